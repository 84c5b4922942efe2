//! Nine machines: every reading is what its bytes mean, or has its reason.

use super::conformance::{conforms, scan};
use super::*;
use kymo_platform::apple::smc::fake::MACHINES;
use kymo_protocol::NoData::{Absent, Fault, Gated};

/// What vitals make of a machine: the hottest processor, the hottest graphics, fans and watts.
#[derive(Debug, PartialEq)]
struct Vitals {
    cpu: Reading<f64>,
    gpu: Reading<f64>,
    fans: Vec<Reading<f64>>,
    watts: Reading<f64>,
    /// Keys that had to be read for it.
    keys: usize,
}

fn vitals(sources: &mut [Box<dyn Source>]) -> Vitals {
    let mut vitals =
        Vitals { cpu: Err(Absent), gpu: Err(Absent), fans: vec![], watts: Err(Absent), keys: 0 };
    for source in sources.iter_mut().filter(|source| source.spec().is_vital) {
        let (sensors, _) = scan(&mut **source);
        let mut readings = vec![Err(Pending); sensors.len()];
        let _ = source.read(&mut readings);
        vitals.keys += sensors.len();
        for (sensor, reading) in sensors.iter().zip(readings) {
            let place = sensor.attributes.iter().find(|(key, _)| key == "hw.sensor_location");
            let hottest = match (sensor.metric, place.map_or("", |(_, place)| place)) {
                ("hw.temperature", "cpu") => &mut vitals.cpu,
                ("hw.temperature", "gpu") => &mut vitals.gpu,
                ("hw.power", "system") => &mut vitals.watts,
                ("hw.fan.speed", _) => {
                    vitals.fans.push(reading);
                    continue;
                }
                _ => panic!("{sensor:?} is not vital"),
            };
            *hottest = match (*hottest, reading) {
                (Ok(one), Ok(other)) => Ok(one.max(other)),
                (Err(Absent), _) | (_, Ok(_)) => reading,
                _ => *hottest,
            };
        }
    }
    // Two digits behind the point.
    let round = |reading: Reading<f64>| reading.map(|value| (value * 100.0).round() / 100.0);
    let (cpu, gpu, watts) = (round(vitals.cpu), round(vitals.gpu), round(vitals.watts));
    Vitals { cpu, gpu, watts, ..vitals }
}

#[test]
fn every_machine_conforms() {
    for (name, ..) in MACHINES {
        let (machine, mut sources) = open(name);
        settle(&machine, &mut sources);
        conforms(&mut sources, name);
        assert_eq!(machine.writes(), 0, "{name}");
    }
    conforms(&mut sources(None, Table::of("")), "without a controller");
}

#[test]
fn vitals_of_every_machine() {
    let fans = |speeds: &[f64]| speeds.iter().map(|speed| Ok(*speed)).collect::<Vec<_>>();
    for (name, cpu, gpu, speeds, watts, keys) in [
        ("Intel laptop", Ok(63.0), Ok(56.0), &[2156.0, 2159.0][..], Ok(24.25), 11),
        ("M1 Pro", Ok(75.43), Ok(63.61), &[1400.0, 1500.0], Ok(21.5), 7),
        ("M2 Air", Ok(40.42), Ok(35.77), &[], Ok(4.25), 4),
        ("M2 Max", Ok(38.32), Ok(36.34), &[0.0, 0.0], Ok(8.55), 7),
        ("M3 Max", Ok(72.78), Ok(35.61), &[1400.0, 1500.0], Ok(18.75), 13),
        ("M4", Ok(55.83), Ok(30.88), &[1400.0], Ok(5.5), 12),
        ("M4 Pro", Ok(80.39), Ok(57.16), &[1400.0, 1500.0], Ok(58.0), 13),
        ("M5 Pro", Ok(46.25), Ok(35.59), &[1400.0, 1500.0], Ok(12.5), 29),
        ("M6", Ok(49.0), Ok(40.0), &[2100.0], Ok(9.0), 14),
    ] {
        let (machine, mut sources) = open(name);
        // What the table names is there with the first scan; of an M6 it names too little.
        if name == "M6" {
            settle(&machine, &mut sources);
        }
        let expected = Vitals { cpu, gpu, fans: fans(speeds), watts, keys };
        assert_eq!(vitals(&mut sources), expected, "{name}");
        settle(&machine, &mut sources);
        assert_eq!(vitals(&mut sources), expected, "{name}, when all keys are known");
    }
}

#[test]
fn an_intel_laptop_has_fixed_point_and_places_without_a_sensor() {
    let (machine, mut sources) = open("Intel laptop");
    settle(&machine, &mut sources);
    let told = told(&mut sources);
    let of = |key: &str| told[key].1;
    assert_eq!(told["F0Ac"], ("Left side".to_owned(), Ok(2156.0)));
    assert_eq!(told["F1Mx"], ("Right side max".to_owned(), Ok(6200.0)));
    assert_eq!(told["TC3C"], ("CPU core TC3C".to_owned(), Ok(57.0)));
    assert_eq!(of("TC2C"), Ok(40.0), "it has no parked cores");
    assert_eq!((of("TC4C"), of("TG0D")), (Err(Absent), Err(Absent)));
    assert_eq!((of("TA0P"), of("TC0D"), of("Th1H")), (Ok(16.0), Ok(61.25), Ok(47.0)));
    assert_eq!((of("PCPC"), of("PDTR"), of("PG0R")), (Ok(12.5), Ok(30.5), Ok(0.0)));
    assert_eq!((of("VD0R"), of("VC0C"), of("ID0R")), (Ok(19.75), Ok(0.875), Ok(1.5)));
    assert!(!told.contains_key("FNum") && !told.contains_key("NATJ"));
}

#[test]
fn clusters_that_are_off_and_sensors_that_are_none() {
    let (machine, mut sources) = open("M2 Max");
    settle(&machine, &mut sources);
    let m2 = readings(&mut sources);
    for key in ["Tp00", "Tp01", "Tp02", "Tp05", "Tp06", "Tp17", "Tp1h", "Ta0D"] {
        assert_eq!(m2[key], Err(Gated), "{key}");
    }
    assert_eq!(m2["TH1a"], Err(Absent), "the second place for flash is empty");
    let close = |reading: Reading<f64>, value: f64| (reading.unwrap() - value).abs() < 0.01;
    assert!(close(m2["TB1T"], 25.7) && close(m2["TG0B"], 25.9) && close(m2["Te05"], 36.16));
    assert!(close(m2["TR1d"], 30.01) && close(m2["PPBR"], 1.47) && close(m2["VP0R"], 12.83));
    assert!(close(m2["ID0R"], 2.21) && close(m2["F1Mx"], 5777.0));
    // What the firmware computes, constants, settings and integers are no measurements.
    for key in ["TVD0", "TVM3", "TR0Z", "Tz11", "TVAi", "Tf01", "B0AV", "BTRT", "SAQ1", "AC-N"] {
        assert!(!m2.contains_key(key), "{key}");
    }
    let (machine, mut sources) = open("M3 Max");
    settle(&machine, &mut sources);
    let m3 = readings(&mut sources);
    for key in ["Tp1g", "Tp1h", "Tp1i", "Tp2f", "Tf00", "Ta09"] {
        assert_eq!(m3[key], Err(Gated), "{key}");
    }
    assert!(close(m3["Tp05"], 47.69) && close(m3["Tf0B"], 40.22));
    let (machine, mut sources) = open("M5 Pro");
    settle(&machine, &mut sources);
    let m5 = readings(&mut sources);
    assert_eq!((m5["TTPD"], m5["TfCB"]), (Err(Fault), Err(Gated)));
    assert!(!m5.contains_key("TCMz"));
}

#[test]
fn the_keys_of_an_m4_pro_are_others_than_an_m4s() {
    let names = |name: &str| {
        let (_, mut sources) = open(name);
        told(&mut sources).into_iter().map(|(key, (label, _))| (key, label)).collect()
    };
    let (base, pro): (BTreeMap<_, _>, BTreeMap<_, _>) = (names("M4"), names("M4 Pro"));
    for key in ["Te09", "Te0H", "Tp0V"] {
        assert!(base.contains_key(key) && !pro.contains_key(key), "{key}");
    }
    for key in ["Te0T", "Tp0H", "Tg1U"] {
        assert!(pro.contains_key(key) && !base.contains_key(key), "{key}");
    }
    assert_eq!(pro["Te0T"], "CPU efficiency core 6");
    assert_eq!(base["Tg0H"], "GPU 2");
}

#[test]
fn a_machine_that_no_table_knows_is_read_by_prefixes() {
    let (machine, mut sources) = open("M6");
    settle(&machine, &mut sources);
    let told = told(&mut sources);
    let of = |key: &str| (told[key].0.as_str(), told[key].1);
    assert_eq!(of("Tp3a"), ("CPU Tp3a", Ok(42.0)));
    assert_eq!(of("Tg6z"), ("GPU Tg6z", Ok(39.0)));
    assert_eq!(of("Ta0P"), ("Neural engine Ta0P", Ok(30.5)), "it says flt and holds sp78");
    assert_eq!(of("TB1T"), ("Battery 1", Ok(16.5)), "a battery may be cold");
    assert_eq!(of("TXYZ"), ("Temperature TXYZ", Ok(33.0)));
    assert_eq!(of("Pxyz"), ("Power Pxyz", Ok(1.5)));
    assert_eq!(of("Vxyz"), ("Voltage Vxyz", Ok(5.0)));
    assert_eq!(of("Ixyz"), ("Current Ixyz", Ok(-0.25)));
    assert_eq!(of("F0Ac"), ("Fan 0", Ok(2100.0)));
    assert!(!told.contains_key("TXIX"));
}

#[test]
fn a_core_at_forty_degrees_counts_on_its_way() {
    let (machine, mut sources) = with_keys("TCMz flt 80 00001842\n");
    let mut at = |degrees: f32| {
        machine.set_float("TCMz", degrees);
        readings(&mut sources)["TCMz"]
    };
    let found = [39.5, 40.0, 40.0, 41.0, 40.0, 60.0, 40.0].map(&mut at);
    let [forty, gated] = [Ok(40.0), Err(Gated)];
    assert_eq!(found, [Ok(39.5), forty, gated, Ok(41.0), forty, Ok(60.0), gated]);
}

#[test]
fn lines_of_the_host_come_first() {
    let (machine, chip) = Simulated::machine("M6").unwrap();
    let lines = "any temp/cpu TXYZ Secret core\nany none Pxyz nothing\nany temp/soc TXIX count\n";
    let table = Table::of(chip).with(lines).unwrap();
    let mut sources = sources(Some(machine.controller()), table);
    settle(&machine, &mut sources);
    let told = told(&mut sources);
    assert_eq!(told["TXYZ"], ("Secret core".to_owned(), Ok(33.0)));
    assert_eq!(told["TXIX"], ("count".to_owned(), Err(Gated)), "an integer that was asked for");
    assert!(!told.contains_key("Pxyz"));
}

#[test]
fn what_is_too_much_is_counted() {
    let mut text = "TCMz flt 84 00001842\n".to_owned();
    for number in 0..140 {
        text += &format!("TU{number:02x} flt 84 0000f041\nI{number:03} flt 84 0000803f\n");
    }
    // As many keys as a real one has.
    for number in 0..2_100 {
        text += &format!("{}{:03} ui8 80 00\n", ["a", "b", "c"][number / 1_000], number % 1_000);
    }
    let (machine, mut sources) = with_keys(&text);
    settle(&machine, &mut sources);
    let mut counts = BTreeMap::new();
    let mut omitted = Vec::new();
    for source in &mut sources {
        let (sensors, left_out) = scan(&mut **source);
        omitted.push(left_out);
        for sensor in sensors {
            *counts.entry((source.spec().is_vital, sensor.metric)).or_insert(0) += 1;
        }
    }
    let expected = [
        ((false, "hw.temperature"), 136),
        ((false, "kymo.hw.current"), 28),
        ((true, "hw.temperature"), 1),
    ];
    assert_eq!(counts, BTreeMap::from(expected));
    assert_eq!(omitted.pop(), Some(140 - 136 + 140 - 28));
    assert!(omitted.iter().all(|count| *count == 0));
    assert!(sources.iter_mut().all(|source| source.look() == Freshness::Current));
}

#[test]
fn the_sources_say_what_they_are() {
    let (_, mut sources) = open("M4");
    for (number, source) in sources.iter_mut().enumerate() {
        let spec = source.spec();
        assert_eq!((spec.name, spec.may_block), ("smc", true));
        assert_eq!(spec.is_vital, number < VITAL_SLOTS);
        assert_eq!(spec.interval_ns, if spec.is_vital { 1 } else { 4 } * 1_000_000_000);
        assert_eq!(source.look(), Freshness::Stale, "nobody has scanned yet");
    }
}
