//! A capture that is going on.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use super::scope::Scope;
use super::{Capture, stretch};
use crate::address::{BRIDGE, NOBODY};
use crate::capture::Packet;
use crate::command::HostCommand;
use crate::error::LabError;
use crate::namespace::Namespace;
use crate::process::Process;
use crate::{until, wire};

/// A running `tcpdump` on the bridge itself, where each packet shows up once, when it comes in.
pub struct Recording {
    tcpdump: Process,
    file: PathBuf,
    switch: Arc<Namespace>,
    mark: String,
}

impl Recording {
    pub(crate) fn start(
        tcpdump: HostCommand,
        file: PathBuf,
        switch: Arc<Namespace>,
        number: usize,
        scope: &Scope,
    ) -> Result<Self, LabError> {
        // As root (`-Z`): in a user namespace there may be no account to change to, and the file is ours to read.
        let tcpdump = tcpdump.args(["-i", wire::BRIDGE_NAME, "-Z", "root"]);
        let tcpdump = tcpdump.args(["--immediate-mode", "--time-stamp-precision=nano", "-U", "-w"]).arg(&file);
        let tcpdump = tcpdump.args(scope.words());
        let tcpdump = tcpdump.spawn(&format!("tcpdump-{number}"))?;
        tcpdump.wait_for_log("listening on", PATIENCE)?;
        Ok(Self { tcpdump, file, switch, mark: format!("bulkhead-lab: end of capture {number}") })
    }

    /// What has been captured so far; the recording goes on.
    pub fn so_far(&self) -> Result<Capture, LabError> {
        Capture::read(&self.file)
    }

    /// The file, for other programs to read.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Ends the recording when all that was sent before is in it. It is an error if the kernel had to drop packets, and
    /// if `tcpdump` has ended before, for then nobody knows what is missing.
    pub fn stop(self) -> Result<Capture, LabError> {
        let waited = self.wait_for_mark()?;
        let status = self.end()?;
        let log = self.tcpdump.log()?;
        match (waited, dropped(&log)) {
            (Waited::Marked, Some(0)) if status.success() => Capture::read(&self.file),
            (Waited::Marked, Some(packets)) if status.success() => Err(LabError::CaptureIncomplete { packets }),
            _ => Err(LabError::CaptureBroken { status, log }),
        }
    }

    /// Ends it when it has all the packets that it wants, or else as [`Recording::stop`] does; what the kernel dropped
    /// does not matter. The file is gone then: a lab may take thousands of samples.
    pub(super) fn finish(self) -> Result<Capture, LabError> {
        self.wait_for_mark()?;
        let status = self.end()?;
        if !status.success() {
            return Err(LabError::CaptureBroken { status, log: self.tcpdump.log()? });
        }
        let capture = Capture::read(&self.file)?;
        let remove_error = |source| LabError::File { action: "remove", path: self.file.clone(), source };
        fs::remove_file(&self.file).map_err(remove_error)?;
        Ok(capture)
    }

    fn end(&self) -> Result<ExitStatus, LabError> {
        self.tcpdump.terminate()?;
        self.tcpdump.wait(PATIENCE)
    }

    /// The kernel hands packets over in order: once the mark is in the file, so is all that came before.
    fn wait_for_mark(&self) -> Result<Waited, LabError> {
        let read_error = |source| LabError::File { action: "read", path: self.file.clone(), source };
        let begin = self.file.metadata().map_err(read_error)?.len();
        until(PATIENCE, "mark at the end of the capture", || {
            if !self.tcpdump.is_running() {
                return Ok(Waited::Ended);
            }
            // Sent anew at each look, for the first one may have met a full buffer.
            self.send_mark().and_then(|()| self.file_after(begin)).map_err(|error| error.to_string()).and_then(|tail| {
                let found = stretch::contains(&tail, self.mark.as_bytes());
                found.then_some(Waited::Marked).ok_or_else(|| format!("{} bytes of other packets", tail.len()))
            })
        })
    }

    fn file_after(&self, begin: u64) -> Result<Vec<u8>, LabError> {
        let mut bytes = Vec::new();
        File::open(&self.file)
            .and_then(|mut file| file.seek(SeekFrom::Start(begin)).and_then(|_| file.read_to_end(&mut bytes)))
            .map_err(|source| LabError::File { action: "read", path: self.file.clone(), source })?;
        Ok(bytes)
    }

    fn send_mark(&self) -> Result<(), LabError> {
        let sent = self
            .switch
            .inside(|| UdpSocket::bind((BRIDGE.ipv4(), 0))?.send_to(self.mark.as_bytes(), (NOBODY.ipv4(), DISCARD)))?;
        sent.map(drop).map_err(|source| LabError::Enter { host: "switch".to_owned(), source })
    }
}

/// Why nothing more is to be waited for.
enum Waited {
    /// The mark is in the file.
    Marked,
    /// `tcpdump` has ended by itself: it has its number of packets, or something is wrong.
    Ended,
}

/// Whether the lab itself sent it, to find the end of a recording.
pub(super) fn is_mark(packet: &Packet) -> bool {
    packet.to.ip() == NOBODY.ipv4()
}

/// The number in tcpdump's last words, `3 packets dropped by kernel`; none if it did not come to say them.
fn dropped(log: &str) -> Option<u64> {
    let line = log.lines().find(|line| line.contains("dropped by kernel"))?;
    line.split_whitespace().next()?.parse().ok()
}

const PATIENCE: Duration = Duration::from_secs(30);
/// RFC 863.
const DISCARD: u16 = 9;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_without_last_words_does_not_say_that_nothing_was_dropped() {
        let began = "tcpdump: listening on switch, link-type EN10MB (Ethernet), snapshot length 262144 bytes\n";
        assert_eq!(dropped(began), None);
        assert_eq!(dropped(&format!("{began}8 packets captured\n0 packets dropped by kernel\n")), Some(0));
        assert_eq!(dropped(&format!("{began}8 packets captured\n3 packets dropped by kernel\n")), Some(3));
    }
}
