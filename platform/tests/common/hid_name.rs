//! What must hold for any names of sensors whatever; the fuzz target and the tests share it. Lines
//! are names.

use std::collections::BTreeMap;

use kymo_platform::Source;
use kymo_platform::apple::hid::fake::FakeHid;
use kymo_platform::apple::hid::{Quantity, Rank, Sensors, Treatment, classify};

pub(crate) fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let names: Vec<&str> = text.split('\n').collect();
    for name in &names {
        let class = classify(name);
        let told = (class.location, class.is_die, class.treatment);
        assert_eq!(told, model(name), "{name:?}");
    }
    let listed: Vec<_> = names.iter().map(|name| (*name, 40.0)).collect();
    for rank in [Rank::Beside, Rank::Instead] {
        let mut source = Sensors::new(FakeHid::new(&listed), Quantity::Temperature, rank);
        let mut identities = BTreeMap::new();
        let mut places = BTreeMap::new();
        let mut count = 0;
        let omitted = source.scan(&mut |sensor| {
            count += 1;
            let is_printable = |text: &str| !text.is_empty() && !text.contains(char::is_control);
            assert!(is_printable(sensor.label) && is_printable(sensor.identity), "{sensor:?}");
            let label = sensor.label.to_owned();
            let twice = identities.insert(sensor.identity.to_owned(), label.clone());
            assert_eq!(twice, None, "{sensor:?}");
            let attributes = format!("{:?}", sensor.attributes);
            // Those of one name are of one class.
            let before = places.insert(label, attributes.clone());
            assert!(before.is_none_or(|before| before == attributes), "{sensor:?}");
        });
        // Longer names are cut before they are looked at.
        let cut = |name: &&&str| model(&name.chars().take(64).collect::<String>());
        let is_sensor = |name: &&&str| cut(name).2 != Treatment::Calibration;
        assert_eq!(count + omitted as usize, names.iter().filter(is_sensor).count());
    }
}

/// The same, word by word.
fn model(name: &str) -> (Option<&'static str>, bool, Treatment) {
    let letters = name.trim_end_matches(|letter: char| letter.is_ascii_digit());
    let place = match letters {
        "pACC MTR Temp Sensor" | "eACC MTR Temp Sensor" => "cpu",
        "GPU MTR Temp Sensor" => "gpu",
        "ANE MTR Temp Sensor" => "ane",
        "SOC MTR Temp Sensor" | "ISP MTR Temp Sensor" | "PMGR SOC Die Temp Sensor" => "soc",
        "PMU tdie" | "PMU2 tdie" => return (Some("soc"), true, Treatment::Plain),
        "PMU tdev" | "PMU2 tdev" => return (Some("board"), false, Treatment::Wide),
        "PMU tcal" | "PMU2 tcal" => return (None, false, Treatment::Calibration),
        "gas gauge battery" => "battery",
        _ => {
            let words: Vec<_> = name.split(' ').collect();
            let is_channel = |word: &str| {
                let number = word.strip_prefix("CH");
                number.is_some_and(|number| number.chars().all(|digit| digit.is_ascii_digit()))
            };
            match words.as_slice() {
                ["NAND", channel, "temp"] if is_channel(channel) => "storage",
                _ => return (None, false, Treatment::Plain),
            }
        }
    };
    (Some(place), false, Treatment::Plain)
}
