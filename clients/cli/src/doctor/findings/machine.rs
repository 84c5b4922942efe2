//! What the kernel offers, how many descriptors there are, and the service.

use super::{Finding, count, list, look, member, ok, text, told, truth};
use crate::value::Value;

/// Clocks that a program reads without asking the kernel, on the machines that have them.
const QUICK_CLOCKS: [&str; 7] = [
    "tsc",
    "kvm-clock",
    "hyperv_clocksource_tsc_page",
    "arch_sys_counter",
    "riscv_clocksource",
    "timebase",
    "tod",
];
/// Clocks that the kernel alone can read, by a device or by counting its own ticks.
const SLOW_CLOCKS: [&str; 5] = ["hpet", "acpi_pm", "pit", "jiffies", "refined-jiffies"];

/// Descriptors beside those of clients that kymod wants for itself, and for sensors; and how many
/// clients it takes unless it is told otherwise. As docs/SETTINGS.md has them.
const OWN: u64 = 64;
const OF_SENSORS: u64 = 2_344;
const CLIENTS: u64 = 256;

/// What is told of the machine.
pub fn findings(report: &Value) -> Vec<Finding> {
    let kernel = member(report, "kernel");
    let clock = member(report, "clock_source");
    let findings = [
        kernel.map(offers),
        kernel.and_then(pressure),
        kernel.and_then(cgroup),
        clock.and_then(clock_source),
        descriptors(report),
        member(report, "service").map(service),
    ];
    findings.into_iter().flatten().collect()
}

fn offers(kernel: &Value) -> Finding {
    let (mut there, mut missing) = (Vec::new(), Vec::new());
    let mut sort = |is_there: Option<String>, why: Option<&str>, name: &str| match is_there {
        Some(text) => there.push(text),
        None => missing.push(format!("no {name} ({})", why.unwrap_or("it is not known why"))),
    };
    let landlock = count(kernel, "landlock").map(|version| format!("Landlock {version}"));
    sort(landlock, text(kernel, "landlock_missing"), "Landlock");
    for (key, why, name) in
        [("seccomp", "seccomp_missing", "seccomp"), ("timer", "timer_missing", "timerfd")]
    {
        let is_there = truth(kernel, key) == Some(true);
        sort(is_there.then(|| name.into()), text(kernel, why), name);
    }
    match missing.is_empty() {
        true => ok("kernel", there.join(", ")),
        false => told("kernel", [missing, there].concat().join(", ")),
    }
}

fn pressure(kernel: &Value) -> Option<Finding> {
    Some(match truth(kernel, "pressure")? {
        true => ok(
            "pressure",
            "counted; averages lag by up to 2 s, and whoever else reads it faster than twice a \
             second spoils it unseen",
        ),
        false => {
            let why = text(kernel, "pressure_missing").unwrap_or("it is not known why");
            told("pressure", format!("not counted: {why}"))
        }
    })
}

fn cgroup(kernel: &Value) -> Option<Finding> {
    let Some(version) = text(kernel, "cgroup") else {
        return Some(told("cgroup", text(kernel, "cgroup_missing")?));
    };
    Some(match version {
        "v2" => ok("cgroup", "version 2"),
        _ => {
            let is = match version {
                "hybrid" => "the controllers are those of version 1, which are not read",
                _ => "version 1, which is not read",
            };
            told("cgroup", is).with("start Linux with systemd.unified_cgroup_hierarchy=1")
        }
    })
}

fn clock_source(clock: &Value) -> Option<Finding> {
    let current = text(clock, "current")?;
    if QUICK_CLOCKS.contains(&current) {
        return Some(ok("clock", format!("{current}, which is read without a system call")));
    }
    if !SLOW_CLOCKS.contains(&current) {
        return Some(told("clock", format!("{current}: a look at it may be a system call")));
    }
    let is_quick =
        |name: &&Value| matches!(name, Value::Text(text) if QUICK_CLOCKS.contains(&&**text));
    let is = format!("{current}: each look at the time is a system call");
    let quick = list(clock, "available").iter().find(is_quick).and_then(Value::word);
    let todo = match quick {
        Some(quick) => format!(
            "write {quick} to /sys/devices/system/clocksource/clocksource0/current_clocksource, or \
             start Linux with clocksource={quick}"
        ),
        None => "`dmesg | grep -i clocksource` tells why the kernel trusts no quicker one".into(),
    };
    Some(look("clock", is, todo))
}

/// Whether kymod, started as this is, may have as many as it wants.
fn descriptors(report: &Value) -> Option<Finding> {
    let limits = member(report, "limits")?;
    if text(limits, "descriptors_hard") == Some("unlimited") {
        return Some(ok("descriptors", "unlimited"));
    }
    let hard = count(limits, "descriptors_hard")?;
    let told_clients = member(report, "daemon").and_then(|daemon| count(daemon, "clients_max"));
    let clients = told_clients.unwrap_or(CLIENTS);
    let is = format!("{hard}, of which {clients} clients want {}", clients + OWN);
    let todo = "a higher `ulimit -Hn`, LimitNOFILE= of its unit, or fewer `clients` in kymo.toml";
    Some(match hard {
        hard if hard < clients + OWN => look("descriptors", is, todo),
        hard if hard < clients + OWN + OF_SENSORS => {
            let is = format!("{is}; not every sensor may find one");
            told("descriptors", is).with(todo)
        }
        _ => ok("descriptors", is),
    })
}

fn service(service: &Value) -> Finding {
    let manager = text(service, "manager").unwrap_or("the manager");
    let scope = text(service, "scope").unwrap_or_default();
    if truth(service, "answers") != Some(true) {
        return told("service", format!("{manager} does not answer"))
            .with("`kymo service status` tells why; a container starts `kymod` itself");
    }
    let user = if scope == "user" { " --user" } else { "" };
    if text(service, "file").is_none() {
        let is = format!("{manager} has none");
        return told("service", is).with("`kymo service install` keeps kymod running");
    }
    let state = text(service, "state").unwrap_or("in no state it tells");
    let enabled = text(service, "enabled").map(|word| format!(", {word}")).unwrap_or_default();
    let is = format!("{state}{enabled}, of the {scope}");
    if let Some(failure) = text(service, "failure") {
        let todo = match manager {
            "systemd" => format!("`journalctl{user} -u kymod -n 20` tells more"),
            _ => "`kymo service install` starts it again".into(),
        };
        return look("service", format!("{is}: it ended with {failure}"), todo);
    }
    if truth(service, "runs") == Some(true) {
        return ok("service", is);
    }
    if truth(service, "on_demand") == Some(true) {
        return ok("service", format!("{is}; the first client starts it"));
    }
    let todo = match manager {
        "systemd" => format!("`systemctl{user} enable --now kymod` starts it"),
        _ => "`kymo service install` starts it".into(),
    };
    told("service", is).with(todo)
}

#[cfg(test)]
mod tests {
    use super::super::{Verdict, one};
    use super::*;

    fn of(what: &str, report: &str) -> Option<(Verdict, String)> {
        one(findings, what, &format!("{{{report}}}"))
    }

    #[test]
    fn a_kernel_is_told_with_what_it_lacks() {
        let kernel = |members: &str| of("kernel", &format!("\"kernel\":{{{members}}}")).unwrap();
        let all = kernel("\"landlock\":7,\"seccomp\":true,\"timer\":true");
        assert_eq!(all, (Verdict::Ok, "Landlock 7, seccomp, timerfd".into()));
        let old = kernel(
            "\"landlock\":null,\"seccomp\":true,\"timer\":false,\"landlock_missing\":\"too old\"",
        );
        assert_eq!(old.0, Verdict::Told);
        assert!(old.1.starts_with("no Landlock (too old), no timerfd (it is not"), "{}", old.1);
        assert!(old.1.ends_with(", seccomp"), "{}", old.1);
    }

    #[test]
    fn pressure_and_control_groups_have_their_reasons() {
        let of = |what, members: &str| of(what, &format!("\"kernel\":{{{members}}}"));
        assert_eq!(of("pressure", "\"pressure\":true").unwrap().0, Verdict::Ok);
        let none = of("pressure", "\"pressure\":false,\"pressure_missing\":\"psi=1\"").unwrap();
        assert_eq!(none, (Verdict::Told, "not counted: psi=1".into()));
        assert_eq!(of("pressure", ""), None);
        assert_eq!(of("cgroup", "\"cgroup\":\"v2\"").unwrap().0, Verdict::Ok);
        for version in ["v1", "hybrid"] {
            let old = of("cgroup", &format!("\"cgroup\":\"{version}\"")).unwrap();
            assert!(old.0 == Verdict::Told && old.1.contains("unified"), "{old:?}");
        }
        let none = of("cgroup", "\"cgroup\":null,\"cgroup_missing\":\"none is mounted\"").unwrap();
        assert_eq!(none, (Verdict::Told, "none is mounted".into()));
    }

    #[test]
    fn a_slow_clock_is_to_be_looked_at() {
        let of = |current: &str, available: &str| {
            let text = format!("\"current\":\"{current}\",\"available\":[{available}]");
            of("clock", &format!("\"clock_source\":{{{text}}}")).unwrap()
        };
        for quick in
            ["tsc", "kvm-clock", "arch_sys_counter", "riscv_clocksource", "timebase", "tod"]
        {
            assert_eq!(of(quick, "").0, Verdict::Ok, "{quick}");
        }
        let (verdict, is) = of("hpet", "\"hpet\",\"acpi_pm\"");
        assert!(verdict == Verdict::Look && is.contains("dmesg"), "{is}");
        let (verdict, is) = of("acpi_pm", "\"hpet\",\"tsc\"");
        assert!(verdict == Verdict::Look && is.contains("clocksource=tsc"), "{is}");
        assert_eq!(of("xen", "\"xen\",\"tsc\"").0, Verdict::Told);
        assert_eq!(super::tests::of("clock", "\"clock_source\":null"), None);
    }

    #[test]
    fn descriptors_are_counted_against_clients() {
        let of = |hard: &str, daemon: &str| {
            let text = format!("\"limits\":{{\"descriptors_hard\":{hard}}},\"daemon\":{daemon}");
            of("descriptors", &text)
        };
        assert_eq!(of("\"unlimited\"", "{}").unwrap().0, Verdict::Ok);
        assert_eq!(of("2664", "{}").unwrap().0, Verdict::Ok);
        assert_eq!(of("2663", "{}").unwrap().0, Verdict::Told);
        assert_eq!(of("320", "{}").unwrap().0, Verdict::Told);
        assert_eq!(of("319", "{}").unwrap().0, Verdict::Look);
        assert_eq!(of("2664", "{\"clients_max\":3000}").unwrap().0, Verdict::Look);
        assert_eq!(of("null", "{}"), None);
    }

    #[test]
    fn a_service_is_judged_by_how_it_ended() {
        let service = |members: &str| {
            let text = format!("\"manager\":\"systemd\",\"scope\":\"user\"{members}");
            of("service", &format!("\"service\":{{{text}}}")).unwrap()
        };
        let silent = service(",\"answers\":false");
        assert!(silent.0 == Verdict::Told && silent.1.contains("does not answer"), "{silent:?}");
        let none = service(",\"answers\":true,\"file\":null");
        assert!(none.0 == Verdict::Told && none.1.contains("service install"), "{none:?}");
        let there = ",\"answers\":true,\"file\":\"/u\",\"enabled\":\"enabled\"";
        let runs = service(&format!("{there},\"runs\":true,\"state\":\"active (running)\""));
        assert_eq!(runs, (Verdict::Ok, "active (running), enabled, of the user".into()));
        let idle = service(&format!("{there},\"runs\":false,\"on_demand\":true"));
        assert_eq!(idle.0, Verdict::Ok);
        let off = service(&format!("{there},\"runs\":false,\"state\":\"inactive\""));
        assert!(off.0 == Verdict::Told && off.1.contains("systemctl --user enable"), "{off:?}");
        let failed = service(&format!("{there},\"runs\":false,\"failure\":\"exit-code 78\""));
        assert_eq!(failed.0, Verdict::Look);
        assert!(failed.1.contains("journalctl --user -u kymod"), "{failed:?}");
        assert_eq!(of("service", "\"service\":null"), None);
    }
}
