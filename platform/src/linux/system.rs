//! What a machine and its distribution are called.

use std::fs;
use std::path::Path;

use crate::roots::Roots;

/// Of os-release(5), the etc directory's first.
const RELEASES: [&str; 2] = ["/etc/os-release", "/usr/lib/os-release"];

/// The distribution, and the machine: by its firmware, or by its device tree.
pub(crate) fn system(roots: &Roots) -> (Option<String>, Option<String>) {
    let name = RELEASES.iter().find_map(|path| pretty_name(&fs::read_to_string(path).ok()?));
    let line = |path: &Path| -> Option<String> {
        let text = fs::read_to_string(path).ok()?;
        let text = text.trim_matches(|letter: char| letter == '\0' || letter.is_whitespace());
        (!text.is_empty()).then(|| text.into())
    };
    let dmi = |name: &str| line(&roots.sys.join("class/dmi/id").join(name));
    let model = match (dmi("sys_vendor"), dmi("product_name")) {
        (Some(vendor), Some(product)) => Some(format!("{vendor} {product}")),
        (None, Some(product)) => Some(product),
        (_, None) => line(&roots.proc.join("device-tree/model")),
    };
    (name, model)
}

/// What PRETTY_NAME is set to, less its quotes.
fn pretty_name(text: &str) -> Option<String> {
    let value = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(value.trim().trim_matches(['"', '\'']).into()).filter(|name: &String| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_files() {
        let text = "ID=x\nPRETTY_NAME=\"Debian GNU/Linux 13 (trixie)\"\nVERSION_ID=\"13\"\n";
        assert_eq!(pretty_name(text).as_deref(), Some("Debian GNU/Linux 13 (trixie)"));
        assert_eq!(pretty_name("PRETTY_NAME=Alpine\n").as_deref(), Some("Alpine"));
        assert_eq!(pretty_name("PRETTY_NAME=\"\"\n"), None);
        assert_eq!(pretty_name("ID=x\n"), None);

        let root = std::env::temp_dir().join(format!("kymo-system-{}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        let roots = Roots { proc: root.join("proc"), sys: root.join("sys"), smc_keys: None };
        assert_eq!(system(&roots).1, None);
        fs::create_dir_all(roots.proc.join("device-tree")).unwrap();
        fs::write(roots.proc.join("device-tree/model"), "Raspberry Pi 5 Model B\0").unwrap();
        assert_eq!(system(&roots).1.as_deref(), Some("Raspberry Pi 5 Model B"));
        let dmi = roots.sys.join("class/dmi/id");
        fs::create_dir_all(&dmi).unwrap();
        fs::write(dmi.join("product_name"), "20XW\n").unwrap();
        fs::write(dmi.join("product_serial"), "SECRET\n").unwrap();
        assert_eq!(system(&roots).1.as_deref(), Some("20XW"));
        fs::write(dmi.join("sys_vendor"), "LENOVO\n").unwrap();
        assert_eq!(system(&roots).1.as_deref(), Some("LENOVO 20XW"));
        fs::remove_dir_all(root).unwrap();
    }
}
