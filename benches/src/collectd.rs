//! collectd with the sources of the vitals.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::Outcome;
use crate::process::new_folder;

/// A collectd in a folder of its own, which writes its values nowhere. Dropping it ends it.
#[derive(Debug)]
pub struct Collectd {
    child: Child,
    folder: PathBuf,
}

impl Collectd {
    /// Where it is installed.
    #[must_use]
    pub fn program() -> Option<&'static str> {
        let paths = ["/usr/sbin/collectd", "/usr/local/sbin/collectd", "/usr/bin/collectd"];
        paths.into_iter().find(|path| Path::new(path).exists())
    }

    /// Starts it; it reads `rate_hz` times a second.
    ///
    /// # Errors
    ///
    /// When it can't be started.
    pub fn start(program: &str, rate_hz: u32) -> Outcome<Self> {
        let folder = new_folder()?;
        let path = folder.join("collectd.conf");
        let place = folder.display();
        let interval = 1.0 / f64::from(rate_hz);
        // Only `/`, as kymo; everything else as it comes. Its log would fill with complaints that
        // nothing is written, so it has none.
        fs::write(
            &path,
            format!(
                "Hostname \"bench\"\nFQDNLookup false\nBaseDir \"{place}\"\n\
                 PIDFile \"{place}/pid\"\nInterval {interval}\n\
                 LoadPlugin cpu\nLoadPlugin memory\nLoadPlugin load\nLoadPlugin disk\n\
                 LoadPlugin interface\nLoadPlugin df\nLoadPlugin processes\n\
                 <Plugin df>\n  MountPoint \"/\"\n</Plugin>\n"
            ),
        )?;
        let child = Command::new(program)
            .arg("-f")
            .arg("-C")
            .arg(&path)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self { child, folder })
    }

    /// Its number.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Collectd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}
