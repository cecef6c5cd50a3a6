//! The options of the page: where it listens, and what it allows.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// The options of the page.
///
/// By default it listens on a free port of the loopback interface, so that only this machine can reach it.
///
/// ```
/// let options = flow_page::PageOptions::new().port(8642).read_only();
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct PageOptions {
    address: IpAddr,
    port: u16,
    hosts: Vec<String>,
    is_read_only: bool,
}

impl PageOptions {
    /// Returns the default options.
    pub fn new() -> Self {
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        Self { address, port: 0, hosts: Vec::new(), is_read_only: false }
    }

    /// Sets the port. 0, the default, is any free port.
    pub fn port(self, port: u16) -> Self {
        Self { port, ..self }
    }

    /// Sets the address of the interface.
    ///
    /// The page does not encrypt. If other machines can reach the address, they and everyone between can read what is
    /// sent, the token included. Prefer a tunnel, such as `ssh -L 8642:127.0.0.1:8642 server`.
    pub fn address(self, address: IpAddr) -> Self {
        Self { address, ..self }
    }

    /// Allows requests to a host of this name, besides the loopback interface and the address of the interface.
    ///
    /// Requests to other names are refused: a site that lets its name lead to this machine must not read the page.
    pub fn allow_host(mut self, name: impl Into<String>) -> Self {
        self.hosts.push(name.into());
        self
    }

    /// Refuses every request that would change anything: to run, to reset, to stop a run.
    pub fn read_only(self) -> Self {
        Self { is_read_only: true, ..self }
    }

    pub(crate) fn socket(&self) -> SocketAddr {
        SocketAddr::new(self.address, self.port)
    }

    pub(crate) fn is_read_only(&self) -> bool {
        self.is_read_only
    }

    /// Returns whether requests may name this host, which is given without its port.
    pub(crate) fn allows_host(&self, name: &str) -> bool {
        let is = |allowed: &str| allowed.eq_ignore_ascii_case(name);
        ["localhost", "127.0.0.1", "::1"].into_iter().any(is)
            || self.hosts.iter().any(|host| is(host))
            || (!self.address.is_unspecified() && is(&self.address.to_string()))
    }
}

impl Default for PageOptions {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_named_hosts_are_allowed() {
        let options = PageOptions::new().address(IpAddr::from([10, 0, 0, 7])).allow_host("box.lan");
        for name in ["localhost", "LOCALHOST", "127.0.0.1", "::1", "10.0.0.7", "Box.lan"] {
            assert!(options.allows_host(name), "{name}");
        }
        for name in ["", "example.org", "localhost.", "127.0.0.1.example.org", "0.0.0.0"] {
            assert!(!options.allows_host(name), "{name}");
        }
        let all = PageOptions::new().address(IpAddr::from([0, 0, 0, 0]));
        assert!(!all.allows_host("0.0.0.0"));
    }
}
