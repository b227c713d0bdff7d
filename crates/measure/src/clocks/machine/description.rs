//! What the machine is.

use nix::sys::utsname::uname;
use nix::unistd::{SysconfVar, sysconf};

use crate::clocks::ClockError;
use crate::clocks::file::{File, bytes_of};

/// What a reader of figures must know of the machine that they were made on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// The kernel's release, as `uname -r` prints it.
    pub kernel: String,
    /// The processor's name, as its maker gave it; on ARM, which has no names, the numbers of its maker and its part.
    pub processor: String,
    /// Processors that are on (hardware threads, if the cores have several), whether this process may use them or not.
    pub cores: u32,
    /// Bytes of memory.
    pub memory: u64,
}

impl Description {
    /// What this machine is.
    pub fn of_this_machine() -> Result<Self, ClockError> {
        Ok(Self {
            kernel: kernel()?,
            processor: File::read("/proc/cpuinfo")?.parse(|text| Some(processor(text)), "the processor's name")?,
            cores: cores()?,
            memory: File::read("/proc/meminfo")?
                .parse(|text| bytes_of(text, "MemTotal:"), "how much memory there is")?,
        })
    }
}

fn kernel() -> Result<String, ClockError> {
    let names = uname().map_err(|_| ClockError::Unknown { what: "its own release" })?;
    Ok(names.release().to_string_lossy().into_owned())
}

fn cores() -> Result<u32, ClockError> {
    let cores = sysconf(SysconfVar::_NPROCESSORS_ONLN).ok().flatten().and_then(|cores| u32::try_from(cores).ok());
    cores.ok_or(ClockError::Unknown { what: "how many processors there are" })
}

/// The name of the first processor in `/proc/cpuinfo`.
fn processor(text: &str) -> String {
    let of_part =
        || Some(format!("ARM implementer {}, part {}", field(text, "CPU implementer")?, field(text, "CPU part")?));
    field(text, "model name").map(str::to_owned).or_else(of_part).unwrap_or_else(|| "unknown".to_owned())
}

/// The value of the first line `key : value`, unless it is empty.
fn field<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    let mut fields = text.lines().filter_map(|line| line.split_once(':'));
    fields.find(|(name, value)| name.trim() == key && !value.trim().is_empty()).map(|(_, value)| value.trim())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_processor_is_named_as_its_maker_named_it() {
        let check = |text, expected| assert_eq!(processor(text), expected, "{text:?}");
        check(EPYC, "AMD EPYC");
        check(GRAVITON, "ARM implementer 0x41, part 0xd0c");
        check(
            "model name\t: Intel(R) Xeon(R) Platinum 8375C CPU @ 2.90GHz\n",
            "Intel(R) Xeon(R) Platinum 8375C CPU @ 2.90GHz",
        );
        check("model name\t: \n", "unknown");
        check("CPU part\t: 0xd0c\n", "unknown");
        check("", "unknown");
    }

    #[test]
    fn this_machine_has_a_kernel_a_processor_and_memory() {
        let machine = Description::of_this_machine().unwrap();
        assert!(machine.kernel.starts_with(|first: char| first.is_ascii_digit()), "{machine:?}");
        assert!(!machine.processor.is_empty() && machine.cores > 0 && machine.memory > 0, "{machine:?}");
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in ".*|((model name|CPU part|CPU implementer)[\t ]*:.*\n){0,4}") {
            prop_assert!(!processor(&text).is_empty());
        }
    }

    /// The first lines on an AMD machine with Linux 6.18.
    const EPYC: &str = "\
processor\t: 0
vendor_id\t: AuthenticAMD
cpu family\t: 25
model\t\t: 1
model name\t: AMD EPYC
stepping\t: 1
";

    /// The lines for one processor on an ARM machine.
    const GRAVITON: &str = "\
processor\t: 0
BogoMIPS\t: 243.75
Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x3
CPU part\t: 0xd0c
CPU revision\t: 1
";
}
