//! The table of `docs/FAULTS.md`, which is that of this test.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use crate::pairs::ROWS;

const BEGIN: &str = "<!-- made by runtime/tests/inject; KYMO_BLESS=1 -->\n";
const END: &str = "<!-- end -->\n";

fn table() -> String {
    let mut text = String::from(
        "| call | on | error | once | for ever | because |\n|---|---|---|---|---|---|\n",
    );
    for row in ROWS {
        let on = if row.place.is_empty() { "any" } else { row.place };
        let errors = row.errors.join(", ");
        writeln!(
            text,
            "| {} | {on} | {errors} | {} | {} | {} |",
            row.call, row.once, row.for_ever, row.why
        )
        .unwrap();
    }
    text
}

#[test]
fn the_page_is_what_is_tested() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/FAULTS.md");
    let page = fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("where the table begins");
    let (found, behind) = rest.split_once(END).expect("where the table ends");
    if std::env::var_os("KYMO_BLESS").is_some() {
        fs::write(&path, format!("{before}{BEGIN}{}{END}{behind}", table())).unwrap();
        return;
    }
    assert_eq!(found, table(), "KYMO_BLESS=1 writes it");
}
