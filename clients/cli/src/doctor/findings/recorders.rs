//! Whether recorders keep what they are to keep, and could write it.

use super::{Finding, count, look, member, number, ok, text, told};
use crate::value::Value;

/// What is told of the recorders, one finding for all that are well; nothing where there are none.
pub fn findings(report: &Value) -> Vec<Finding> {
    let recorders = member(report, "daemon").and_then(|daemon| member(daemon, "recorders"));
    let Some(Value::List(recorders)) = recorders else { return Vec::new() };
    let mut well = Vec::new();
    let mut findings = Vec::new();
    for recorder in recorders {
        let name = text(recorder, "name").unwrap_or("one without a name");
        let failed = count(recorder, "failed").unwrap_or(0);
        let times = if failed == 1 { "once".into() } else { format!("{failed} times") };
        // What was written since then has taken it back.
        if let Some(why) = text(recorder, "last_error") {
            // The recorder's name stands in front of it.
            let is = format!("could not write, {times}: {why}");
            let todo = "make room there; where the folder is another one now, or the recorder was \
                        let go, start kymod again";
            findings.push(look("recorder", is, todo));
        } else if failed > 0 {
            let is = format!("{name} could not write {times}, and can now");
            findings.push(told("recorder", is));
        } else if let (Some(held_s), Some(files)) =
            (number(recorder, "held_s"), count(recorder, "files_written"))
        {
            let plural = if files == 1 { "" } else { "s" };
            well.push(format!("{name} holds {held_s:.0} s, wrote {files} file{plural}"));
        }
    }
    if !well.is_empty() {
        findings.push(ok("recorder", well.join("; ")));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    fn judged(recorders: &str) -> Vec<(Verdict, String)> {
        let report = format!("{{\"daemon\":{{\"recorders\":{recorders}}}}}");
        let told = findings(&Value::parse(&report).unwrap());
        told.into_iter().map(|finding| (finding.verdict, finding.is)).collect()
    }

    #[test]
    fn recorders_are_judged() {
        assert_eq!(judged("[]"), []);
        let well = "{\"name\":\"a\",\"held_s\":59.96,\"files_written\":1,\"failed\":0}";
        let is = "a holds 60 s, wrote 1 file";
        assert_eq!(judged(&format!("[{well}]")), [(Verdict::Ok, is.into())]);
        let ill = "{\"name\":\"b\",\"held_s\":1,\"files_written\":0,\"failed\":2,\
            \"last_error\":\"b: No space left on device\"}";
        let told = judged(&format!("[{ill},{well},{well}]"));
        let why = "could not write, 2 times: b: No space left on device";
        let expected = [(Verdict::Look, why.into()), (Verdict::Ok, format!("{is}; {is}"))];
        assert_eq!(told, expected);
        let mended = "{\"name\":\"b\",\"held_s\":1,\"files_written\":1,\"failed\":1,\
            \"last_error\":null}";
        let is = "b could not write once, and can now";
        assert_eq!(judged(&format!("[{mended}]")), [(Verdict::Told, is.into())]);
    }
}
