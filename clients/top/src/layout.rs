//! Which panels fit a terminal, and where; pure.
//!
//! | size | has |
//! |---|---|
//! | from 100 × 30 | every panel |
//! | from 60 × 12 | processor and memory; from 20 rows on network and disks; below them the list that keys go to, from 35 rows on two of them |
//! | less | the vitals as lines |

use ratatui::layout::Rect;

/// A part of the dashboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the names say it
pub enum Panel {
    Cpu,
    Memory,
    Network,
    Disk,
    Sensors,
    Processes,
    Events,
    Health,
}

impl Panel {
    /// Every panel, in the order in which keys go from one to the next.
    pub const ALL: [Self; 8] = [
        Self::Processes,
        Self::Events,
        Self::Sensors,
        Self::Health,
        Self::Cpu,
        Self::Memory,
        Self::Network,
        Self::Disk,
    ];

    pub(crate) fn next(self) -> Self {
        self.after(1)
    }

    pub(crate) fn previous(self) -> Self {
        self.after(Self::ALL.len() - 1)
    }

    fn after(self, steps: usize) -> Self {
        let place = Self::ALL.into_iter().position(|panel| panel == self).unwrap_or(0);
        Self::ALL[(place + steps) % Self::ALL.len()]
    }

    /// Whether it is a list and has no graph that is worth a small terminal's room.
    const fn is_list(self) -> bool {
        matches!(self, Self::Sensors | Self::Processes | Self::Events | Self::Health)
    }
}

/// Where everything is. Areas do not overlap and lie within the terminal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// The line at the top; may be empty.
    pub header: Rect,
    /// The line at the bottom; may be empty.
    pub footer: Rect,
    /// The panels that fit.
    pub panels: Vec<(Panel, Rect)>,
    /// What is left for the vitals as lines, where no panel fits.
    pub lines: Rect,
}

/// The layout of a terminal of `area` whose keys go to `focus`, which has it for itself if
/// `is_alone`.
pub fn arrange(area: Rect, focus: Panel, is_alone: bool) -> Layout {
    let is_small = area.width < 60 || area.height < 12;
    let (header, rest) = top_of(area, u16::from(area.height >= 4));
    let (rest, footer) = top_of(rest, rest.height - u16::from(area.height >= 5));
    let layout = Layout { header, footer, ..Layout::default() };
    if is_small {
        return Layout { lines: rest, ..layout };
    }
    let panels = match (is_alone, area.width, area.height) {
        (true, ..) => vec![(focus, rest)],
        (false, 100.., 30..) => whole(rest),
        _ => compact(rest, focus),
    };
    Layout { panels, ..layout }
}

fn whole(area: Rect) -> Vec<(Panel, Rect)> {
    let (graphs, lists) = top_of(area, area.height * 55 / 100);
    let (upper, lower) = top_of(graphs, graphs.height / 2);
    let (cpu, memory) = left_of(upper, upper.width * 58 / 100);
    let (network, rest) = left_of(lower, lower.width * 34 / 100);
    let (disk, sensors) = left_of(rest, rest.width / 2);
    let (processes, right) = left_of(lists, lists.width * 54 / 100);
    let (events, health) = top_of(right, right.height - 10.min(right.height / 2));
    vec![
        (Panel::Cpu, cpu),
        (Panel::Memory, memory),
        (Panel::Network, network),
        (Panel::Disk, disk),
        (Panel::Sensors, sensors),
        (Panel::Processes, processes),
        (Panel::Events, events),
        (Panel::Health, health),
    ]
}

fn compact(area: Rect, focus: Panel) -> Vec<(Panel, Rect)> {
    let list = if focus.is_list() { focus } else { Panel::Processes };
    let (upper, rest) = top_of(area, (area.height * 3 / 10).max(5));
    let (cpu, memory) = left_of(upper, upper.width / 2);
    let mut panels = vec![(Panel::Cpu, cpu), (Panel::Memory, memory)];
    let has_flows = area.height >= 18;
    let (flows, mut rest) = top_of(rest, if has_flows { area.height / 4 + 1 } else { 0 });
    if has_flows {
        let (network, disk) = left_of(flows, flows.width / 2);
        panels.extend([(Panel::Network, network), (Panel::Disk, disk)]);
    } else if let Panel::Network | Panel::Disk = focus {
        panels.push((focus, rest));
        return panels;
    }
    if area.height >= 32 {
        let (more, below) = top_of(rest, rest.height / 2);
        let is_first = list == Panel::Processes;
        panels.push((if is_first { Panel::Sensors } else { Panel::Processes }, below));
        rest = more;
    }
    panels.push((list, rest));
    panels
}

/// The upper `height` rows of `area`, and what is below them.
fn top_of(area: Rect, height: u16) -> (Rect, Rect) {
    let height = height.min(area.height);
    let upper = Rect { height, ..area };
    (upper, Rect { y: area.y + height, height: area.height - height, ..area })
}

/// The left `width` columns of `area`, and what is right of them.
fn left_of(area: Rect, width: u16) -> (Rect, Rect) {
    let width = width.min(area.width);
    let left = Rect { width, ..area };
    (left, Rect { x: area.x + width, width: area.width - width, ..area })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn areas(layout: &Layout) -> Vec<Rect> {
        let panels = layout.panels.iter().map(|(_, area)| *area);
        panels.chain([layout.header, layout.footer, layout.lines]).collect()
    }

    #[test]
    fn every_cell_belongs_to_one_area() {
        for (width, height) in (1..260).step_by(7).flat_map(|w| (1..120).map(move |h| (w, h))) {
            let area = Rect::new(0, 0, width, height);
            for focus in Panel::ALL {
                for is_alone in [false, true] {
                    let layout = arrange(area, focus, is_alone);
                    let areas = areas(&layout);
                    let cells: u32 = areas.iter().map(|area| area.area()).sum();
                    assert_eq!(cells, area.area(), "{width}x{height} {focus:?}");
                    assert!(areas.iter().all(|part| area.union(*part) == area));
                    for (place, one) in areas.iter().enumerate() {
                        let others = &areas[place + 1..];
                        assert!(others.iter().all(|other| !one.intersects(*other)));
                    }
                }
            }
        }
    }

    #[test]
    fn what_keys_go_to_can_be_seen() {
        for (width, height) in [(60, 12), (80, 24), (99, 33), (80, 50), (100, 30), (300, 100)] {
            for focus in Panel::ALL {
                let layout = arrange(Rect::new(0, 0, width, height), focus, false);
                let shown = layout.panels.iter().find(|(panel, _)| *panel == focus);
                let (_, area) = shown.unwrap_or_else(|| panic!("{focus:?} {width}x{height}"));
                assert!(area.width >= 20 && area.height >= 3, "{focus:?} {area:?}");
            }
        }
    }

    #[test]
    fn keys_go_round() {
        for panel in Panel::ALL {
            assert_eq!(panel.next().previous(), panel);
        }
        assert_eq!((0..8).fold(Panel::Cpu, |panel, _| panel.next()), Panel::Cpu);
    }
}
