//! What the bench is told: flags, or the variables of `make bench`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;
use clap::builder::FalseyValueParser;

use crate::plan::{Family, Length};

/// What encryption costs: the same work through no proxy, through Bulkhead and through others, interleaved.
///
/// The table goes to standard output, everything else to standard error; the result is kept as JSON, HTML and Markdown.
#[derive(Clone, Debug, Parser)]
#[command(name = "bench", version = version(), after_help = EXAMPLE)]
pub struct Options {
    /// Few and short runs of one row of each family: shows that the bench works, in 6 minutes.
    #[arg(long, env = "QUICK", value_parser = FalseyValueParser::new())]
    pub quick: bool,
    /// Only these arms and Bulkhead, by name, separated by commas.
    #[arg(long, env = "ARMS", value_name = "NAMES", default_value = "", hide_default_value = true)]
    pub arms: String,
    /// Only these families of rows, separated by commas.
    #[arg(long, env = "WORK", value_name = "FAMILIES", default_value = "", hide_default_value = true)]
    pub work: String,
    /// Another proxy, given by a file that says how its two ends start; may be given several times,
    /// or several files with commas between.
    #[arg(long, env = "ARM_FILES", value_name = "FILE", value_delimiter = ',')]
    pub arm_file: Vec<PathBuf>,
    /// Where the result is written, under the time of its beginning.
    #[arg(long, env = "OUT", value_name = "DIR", default_value = "bench-results")]
    pub out: PathBuf,
    /// Says what would be measured, and how long that takes.
    #[arg(long, conflicts_with = "report")]
    pub list: bool,
    /// Prints the table of an earlier result and writes its pages anew.
    #[arg(long, value_name = "FILE.json")]
    pub report: Option<PathBuf>,
    /// With `--report`: also writes what documentation shows into this directory, the first table and a chart of each row.
    #[arg(long, value_name = "DIR", requires = "report")]
    pub publish: Option<PathBuf>,
}

impl Options {
    /// How much is measured.
    pub fn length(&self) -> Length {
        if self.quick { Length::Quick } else { Length::Full }
    }

    /// The families that were chosen; all when none was.
    pub fn families(&self) -> Result<Vec<Family>> {
        let chosen = names(&self.work).into_iter().map(str::parse).collect::<Result<Vec<_>>>()?;
        Ok(if chosen.is_empty() { Family::ALL.into() } else { chosen })
    }

    /// The values of `QUICK`, `ARMS` and `WORK`, for the result.
    pub fn told(&self) -> BTreeMap<String, String> {
        let quick = if self.quick { "1" } else { "0" };
        let files = self.arm_file.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(",");
        let told = [("QUICK", quick), ("ARMS", &self.arms), ("WORK", &self.work), ("ARM_FILES", &files)];
        let told = told.into_iter().filter(|(name, value)| *name != "ARM_FILES" || !value.is_empty());
        told.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }
}

fn names(list: &str) -> Vec<&str> {
    list.split(',').map(str::trim).filter(|name| !name.is_empty()).collect()
}

fn version() -> &'static str {
    bulkhead_daemon::version::text(option_env!("BULKHEAD_BUILD_ID"))
}

const EXAMPLE: &str = "Example: bench --quick --arms none,relay,bulkhead --work bulk,connect --out /tmp/results";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_chosen_is_everything() {
        let options = parse(&[]);
        assert_eq!(options.families().unwrap(), Family::ALL);
        assert_eq!((options.arms.as_str(), options.arm_file.len()), ("", 0));
        assert_eq!(options.length(), Length::Full);
    }

    #[test]
    fn names_choose_in_the_order_of_the_table() {
        let options = parse(&["--quick", "--arms", "bulkhead, none,", "--work", "connect,bulk"]);
        assert_eq!(options.families().unwrap(), [Family::Connect, Family::Bulk]);
        assert_eq!(options.length(), Length::Quick);
        assert_eq!(options.told()["ARMS"], "bulkhead, none,");
        assert_eq!(options.told()["QUICK"], "1");
    }

    #[test]
    fn files_are_told_apart_by_commas_and_not_by_spaces() {
        let options = parse(&["--arm-file", "mine.conf,/tmp/my arms/ours.yaml", "--arm-file", "/tmp/theirs.yaml"]);
        assert_eq!(options.arm_file, ["mine.conf", "/tmp/my arms/ours.yaml", "/tmp/theirs.yaml"].map(PathBuf::from));
    }

    #[test]
    fn a_mistyped_family_is_an_error() {
        assert!(parse(&["--work", "bulk,pingpong"]).families().is_err());
    }

    fn parse(words: &[&str]) -> Options {
        let whole = [&["bench"], words].concat();
        Options::try_parse_from(whole).unwrap()
    }
}
