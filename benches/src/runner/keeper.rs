//! Keeps the report so far on disk, so that whatever happens costs no row that was measured.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use tempfile::NamedTempFile;

use crate::arm::{About, ArmName};
use crate::profile::Profile;
use crate::result::{Report, Row};

/// The report, and the file that holds it.
pub struct Keeper {
    report: Report,
    path: PathBuf,
    began: Instant,
}

impl Keeper {
    /// Keeps a report in this directory, named by the time of its beginning.
    pub fn new(report: Report, directory: &Path) -> Result<Self> {
        fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
        let path = directory.join(format!("{}.json", file_name(&report.began)));
        let keeper = Self { report, path, began: Instant::now() };
        keeper.write()?;
        Ok(keeper)
    }

    /// The report as it is now.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// The report, to be completed; [`Keeper::write`] then writes it.
    pub fn report_mut(&mut self) -> &mut Report {
        &mut self.report
    }

    /// The report, when nothing more is written.
    pub fn into_report(self) -> Report {
        self.report
    }

    /// When the bench began.
    pub fn began(&self) -> Instant {
        self.began
    }

    /// The file of JSON; the pages beside it have the same name with other endings.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a sentence that a reader must know.
    pub fn warn(&mut self, sentence: String) {
        self.report.warnings.push(sentence);
    }

    /// Adds what arms consist of.
    pub fn describe(&mut self, arms: impl Iterator<Item = (ArmName, About)>) {
        self.report.arms.extend(arms);
    }

    /// Adds a row and writes the report.
    pub fn keep(&mut self, row: Row) -> Result<()> {
        self.report.rows.push(row);
        self.report.seconds = self.began.elapsed().as_secs_f64();
        self.write()
    }

    /// Adds a profile and writes the report.
    pub fn keep_profile(&mut self, profile: Profile) -> Result<()> {
        self.report.profiles.push(profile);
        self.write()
    }

    /// Writes the report as it is now.
    pub fn write(&self) -> Result<()> {
        let text = serde_json::to_string_pretty(&self.report)? + "\n";
        replace(&self.path, &text)
    }
}

/// Reads a report that was kept.
pub fn read(path: &Path) -> Result<Report> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let report: Report =
        serde_json::from_str(&text).with_context(|| format!("{} is no result of a bench", path.display()))?;
    ensure!(report.format == FORMAT, "{} is of format {}, not {FORMAT}", path.display(), report.format);
    Ok(report)
}

/// Writes a file so that a reader finds the old one or the new one, whole.
pub fn replace(path: &Path, text: &str) -> Result<()> {
    let cannot = || format!("cannot write {}", path.display());
    let directory = path.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
    let mut file = NamedTempFile::new_in(directory).with_context(cannot)?;
    file.write_all(text.as_bytes()).with_context(cannot)?;
    let readable = fs::Permissions::from_mode(0o644); // A temporary file is its owner's alone.
    file.as_file().set_permissions(readable).with_context(cannot)?;
    file.persist(path).with_context(cannot)?;
    Ok(())
}

/// `2026-11-24T17:36:52.000Z` as `2026-11-24T173652Z`, for a colon is no part of a file's name everywhere.
fn file_name(began: &str) -> String {
    let seconds = began.split_once('.').map_or(began.trim_end_matches('Z'), |(seconds, _)| seconds);
    format!("{}Z", seconds.replace(':', ""))
}

/// The format of the JSON that this program writes and reads.
pub const FORMAT: u32 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_read_again() {
        let directory = tempfile::tempdir().unwrap();
        let mut keeper = Keeper::new(crate::runner::tests::empty_report(), &directory.path().join("results")).unwrap();
        keeper.warn("the machine is busy".to_owned());
        keeper.keep(crate::runner::tests::row("bulk-up-1")).unwrap();
        assert_eq!(keeper.path().file_name().unwrap(), "2026-11-24T173652Z.json");
        let read = read(keeper.path()).unwrap();
        assert_eq!(&read, keeper.report());
        assert_eq!(read.rows.len(), 1);
    }

    #[test]
    fn what_is_no_result_is_refused_by_name() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("other.json");
        replace(&path, "{}").unwrap();
        assert!(read(&path).unwrap_err().to_string().ends_with("other.json is no result of a bench"));
        let other = Report { format: 7, ..crate::runner::tests::empty_report() };
        replace(&path, &serde_json::to_string(&other).unwrap()).unwrap();
        assert!(read(&path).unwrap_err().to_string().ends_with("other.json is of format 7, not 1"));
    }

    #[test]
    fn a_file_is_named_by_the_time() {
        for began in ["2026-11-24T17:36:52.123Z", "2026-11-24T17:36:52Z"] {
            assert_eq!(file_name(began), "2026-11-24T173652Z");
        }
    }
}
