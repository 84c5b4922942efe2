//! The records' layouts that `apple` decodes, held against libc's definitions when this is compiled
//! for a Mac. A mistake there is no error that could be noticed at run time.

use std::mem::offset_of;

use libc::{
    if_data64, ifmibdata, proc_bsdinfo, proc_taskallinfo, proc_taskinfo, processor_cpu_load_info,
    statfs, vm_statistics64, xsw_usage,
};

use crate::apple::kernel::{interface, mount, process, vm};

const fn all(pairs: &[(usize, usize)]) -> bool {
    let mut place = 0;
    while place < pairs.len() {
        if pairs[place].0 != pairs[place].1 {
            return false;
        }
        place += 1;
    }
    true
}

const _: () = assert!(all(&[
    (size_of::<processor_cpu_load_info>(), 16),
    (libc::CPU_STATE_USER as usize, 0),
    (libc::CPU_STATE_SYSTEM as usize, 1),
    (libc::CPU_STATE_IDLE as usize, 2),
    (libc::CPU_STATE_NICE as usize, 3),
]));

const _: () = assert!(all(&[
    (offset_of!(vm_statistics64, free_count), 0),
    (offset_of!(vm_statistics64, wire_count), 12),
    (offset_of!(vm_statistics64, faults), 48),
    (offset_of!(vm_statistics64, purgeable_count), 88),
    (offset_of!(vm_statistics64, speculative_count), 92),
    (offset_of!(vm_statistics64, decompressions), 4 * vm::WORDS_BEFORE),
    (offset_of!(vm_statistics64, swapins), 112),
    (offset_of!(vm_statistics64, swapouts), 120),
    (offset_of!(vm_statistics64, compressor_page_count), 128),
    (offset_of!(vm_statistics64, external_page_count), 136),
    (offset_of!(vm_statistics64, internal_page_count), 140),
    (offset_of!(vm_statistics64, swapped_count), 4 * vm::WORDS),
]));

const _: () = assert!(all(&[
    (size_of::<xsw_usage>(), 32),
    (offset_of!(xsw_usage, xsu_total), 0),
    (offset_of!(xsw_usage, xsu_avail), 8),
    (offset_of!(xsw_usage, xsu_used), 16),
]));

/// Before an interface's counts.
const HEAD: usize = offset_of!(ifmibdata, ifmd_data);

const _: () = assert!(all(&[
    (size_of::<ifmibdata>(), interface::SIZE),
    (libc::IFNAMSIZ, 16),
    (offset_of!(ifmibdata, ifmd_name), 0),
    (offset_of!(ifmibdata, ifmd_flags), 20),
    (offset_of!(ifmibdata, ifmd_snd_drops), 32),
    (HEAD + offset_of!(if_data64, ifi_type), 52),
    (HEAD + offset_of!(if_data64, ifi_ipackets), 76),
    (HEAD + offset_of!(if_data64, ifi_ierrors), 84),
    (HEAD + offset_of!(if_data64, ifi_opackets), 92),
    (HEAD + offset_of!(if_data64, ifi_oerrors), 100),
    (HEAD + offset_of!(if_data64, ifi_ibytes), 116),
    (HEAD + offset_of!(if_data64, ifi_obytes), 124),
    (HEAD + offset_of!(if_data64, ifi_iqdrops), 148),
    (libc::IFF_LOOPBACK as usize, 0x8),
    (libc::IFF_POINTOPOINT as usize, 0x10),
]));

const _: () = assert!(all(&[
    (size_of::<statfs>(), mount::SIZE),
    (offset_of!(statfs, f_bsize), 0),
    (offset_of!(statfs, f_blocks), 8),
    (offset_of!(statfs, f_bfree), 16),
    (offset_of!(statfs, f_bavail), 24),
    (offset_of!(statfs, f_files), 32),
    (offset_of!(statfs, f_ffree), 40),
    (offset_of!(statfs, f_flags), 64),
    (offset_of!(statfs, f_fstypename), 72),
    (offset_of!(statfs, f_mntonname), 88),
    (offset_of!(statfs, f_mntfromname), 1112),
    (libc::MNT_RDONLY as usize, 0x1),
    (libc::MNT_LOCAL as usize, 0x1000),
    (libc::MNT_DONTBROWSE as usize, 0x10_0000),
]));

/// Where the task's part begins.
const TASK: usize = offset_of!(proc_taskallinfo, ptinfo);

const _: () = assert!(all(&[
    (size_of::<proc_taskallinfo>(), process::SIZE),
    (offset_of!(proc_bsdinfo, pbi_status), 4),
    (offset_of!(proc_bsdinfo, pbi_pid), 12),
    (offset_of!(proc_bsdinfo, pbi_uid), 20),
    (offset_of!(proc_bsdinfo, pbi_comm), 48),
    (offset_of!(proc_bsdinfo, pbi_name), 64),
    (offset_of!(proc_bsdinfo, pbi_start_tvsec), 120),
    (offset_of!(proc_bsdinfo, pbi_start_tvusec), 128),
    (TASK + offset_of!(proc_taskinfo, pti_resident_size), 144),
    (TASK + offset_of!(proc_taskinfo, pti_total_user), 152),
    (TASK + offset_of!(proc_taskinfo, pti_total_system), 160),
    (TASK + offset_of!(proc_taskinfo, pti_numrunning), 224),
    (libc::SSTOP as usize, 4),
    (libc::SZOMB as usize, 5),
]));

// Of errno.h, which `apple` has by number so that it means the same on every system.
const _: () = assert!(all(&[
    (libc::EPERM as usize, 1),
    (libc::ENOENT as usize, 2),
    (libc::ESRCH as usize, 3),
    (libc::ENXIO as usize, 6),
    (libc::ENOMEM as usize, 12),
    (libc::EACCES as usize, 13),
    (libc::ENODEV as usize, 19),
    (libc::ENOTSUP as usize, 45),
    (libc::EOPNOTSUPP as usize, 102),
]));
