//! The mappings of a process, as `/proc/PID/maps` lists them; see proc_pid_maps(5).

use std::ops::Range;

/// The addresses of the mapping in `line`, when it is the code or the constants of the program
/// `path`: private, never written, and as its file has it.
///
/// What a program has written to once, and was protected later, lies behind the code in its file;
/// so constants count only where the file begins.
pub(crate) fn unwritten(line: &str, path: &str) -> Option<Range<usize>> {
    let mut words = line.splitn(6, ' ');
    let (addresses, permissions, offset) = (words.next()?, words.next()?, words.next()?);
    let is_first = offset.bytes().all(|digit| digit == b'0');
    let is_ours = words.nth(2)?.trim_start() == path;
    let is_unwritten = permissions == "r-xp" || (permissions == "r--p" && is_first);
    range(addresses).filter(|range| is_ours && is_unwritten && !range.is_empty())
}

/// The addresses of the mapping in `line`, when it is the stack of the first thread.
pub(crate) fn stack(line: &str) -> Option<Range<usize>> {
    range(line.strip_suffix("[stack]")?.split(' ').next()?)
}

fn range(addresses: &str) -> Option<Range<usize>> {
    let (start, end) = addresses.split_once('-')?;
    let address = |text| usize::from_str_radix(text, 16).ok();
    Some(address(start)?..address(end)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAPS: &str = "\
55d0a7016000-55d0a7047000 r--p 00000000 fe:00 4242    /opt/my apps/kymod
55d0a7047000-55d0a70d3000 r-xp 00030000 fe:00 4242    /opt/my apps/kymod
55d0a70d3000-55d0a70da000 r--p 000bb000 fe:00 4242    /opt/my apps/kymod
55d0a70da000-55d0a70dc000 rw-p 000c1000 fe:00 4242    /opt/my apps/kymod
55d0e5847000-55d0e58b3000 rw-p 00000000 00:00 0       [heap]
7fed5d611000-7fed5d767000 r-xp 00026000 fe:00 977     /usr/lib/libc.so.6
7ffe95110000-7ffe95131000 rw-p 00000000 00:00 0       [stack]
7ffe95142000-7ffe95144000 r-xp 00000000 00:00 0       [vdso]
";

    #[test]
    fn only_what_the_file_has_is_unwritten() {
        let found: Vec<_> =
            MAPS.lines().filter_map(|line| unwritten(line, "/opt/my apps/kymod")).collect();
        let expected = [0x55d0_a701_6000..0x55d0_a704_7000, 0x55d0_a704_7000..0x55d0_a70d_3000];
        assert_eq!(found, expected);
    }

    #[test]
    fn one_mapping_is_the_stack() {
        let mut found = MAPS.lines().filter_map(stack);
        assert_eq!(found.next(), Some(0x7ffe_9511_0000..0x7ffe_9513_1000));
        assert_eq!(found.next(), None);
    }

    #[test]
    fn anything_else_is_nothing() {
        for line in ["", " ", "55d0-", "5-1 r-xp 0 0 0 /a", "z-y r-xp 0 0 0 /a", "1-2 r-xp 0 0 0"] {
            assert_eq!(unwritten(line, "/a"), None, "{line}");
        }
        // Somebody writes there: a debugger, or the dynamic linker.
        assert_eq!(unwritten("1000-2000 rwxp 0 0 0 /a", "/a"), None);
        assert_eq!(unwritten("1000-2000 r-xs 0 0 0 /a", "/a"), None);
    }
}
