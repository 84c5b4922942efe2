//! node_exporter with the sources of the vitals, and who asks it.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use kymo_benches::Outcome;

/// Where Debian has it.
pub const PROGRAM: &str = "/usr/bin/prometheus-node-exporter";

/// A node_exporter of our own, with one connection that stays. Dropping it ends it.
#[derive(Debug)]
pub struct NodeExporter {
    child: Child,
    stream: Option<TcpStream>,
    port: u16,
}

impl NodeExporter {
    /// Why it can't be measured here, if so.
    #[must_use]
    pub fn missing() -> Option<String> {
        let is_there = Path::new(PROGRAM).exists();
        (!is_there).then(|| "prometheus-node-exporter is not installed".into())
    }

    /// Starts it with the collectors that read what kymo's vitals need, and no other.
    ///
    /// # Errors
    ///
    /// When it does not answer.
    pub fn start() -> Outcome<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = Command::new(PROGRAM);
        command.args(["--collector.disable-defaults", "--web.disable-exporter-metrics"]);
        for collector in ["cpu", "diskstats", "filesystem", "loadavg", "meminfo", "netdev", "stat"]
        {
            command.arg(format!("--collector.{collector}"));
        }
        command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut exporter = Self { child: command.spawn()?, stream: None, port };
        for _ in 0..100 {
            if exporter.scrape().is_ok() {
                return Ok(exporter);
            }
            exporter.stream = None;
            thread::sleep(Duration::from_millis(20));
        }
        Err("node_exporter does not answer".into())
    }

    /// Its number.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks once; bytes of the answer.
    ///
    /// # Errors
    ///
    /// When there is none, or it holds no figures.
    pub fn scrape(&mut self) -> Outcome<usize> {
        if self.stream.is_none() {
            let stream = TcpStream::connect(("127.0.0.1", self.port))?;
            stream.set_read_timeout(Some(Duration::from_secs(2)))?;
            stream.set_nodelay(true)?;
            self.stream = Some(stream);
        }
        let stream = self.stream.as_mut().ok_or("no connection")?;
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
        let (mut answer, mut piece) = (Vec::with_capacity(1 << 16), [0; 1 << 14]);
        while !is_whole(&answer) {
            let size = stream.read(&mut piece)?;
            if size == 0 {
                return Err("node_exporter closed the connection".into());
            }
            answer.extend_from_slice(&piece[..size]);
        }
        let text = String::from_utf8_lossy(&answer);
        if !text.contains("node_cpu_seconds_total{") {
            return Err("node_exporter has no figures".into());
        }
        Ok(answer.len())
    }
}

/// Whether an answer is all there: its last chunk is, or as many bytes as it says.
fn is_whole(answer: &[u8]) -> bool {
    let Some(head) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { return false };
    let text = String::from_utf8_lossy(&answer[..head]).to_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
    match length.and_then(|length| length.trim().parse::<usize>().ok()) {
        Some(length) => answer.len() >= head + 4 + length,
        None => answer.ends_with(b"\r\n0\r\n\r\n"),
    }
}

impl Drop for NodeExporter {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::is_whole;

    #[test]
    fn an_answer_ends_where_it_says() {
        assert!(!is_whole(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab"));
        assert!(is_whole(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"));
        assert!(!is_whole(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"));
        assert!(is_whole(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"
        ));
    }
}
