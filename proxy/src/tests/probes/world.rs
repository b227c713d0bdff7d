//! A sidecar whose probe port is open, and what listens beside it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::{NonZeroU16, NonZeroU32};
use std::sync::Arc;

use bulkhead_daemon::Stopper;
use bulkhead_mesh::Mode;
use bulkhead_mesh::probe::{Check, HttpCheck, Probe, ProbeKind, Probes, Scheme};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::admin::Condition;
use crate::limits::ProxyLimits;
use crate::lookout::Capture;
use crate::probes::{Answers, ProbePort};
use crate::sidecar::Sidecar;
use crate::testing::certificates::Mesh;
use crate::tests::hands::Hands;
use crate::tests::support::within;
use crate::tests::world::{SERVER, sidecar};

/// A workload at [`SERVER`] that may be asked for its liveness only.
pub(super) struct World {
    pub(super) sidecar: Arc<Sidecar>,
    pub(super) stopper: Stopper,
    pub(super) serving: JoinHandle<()>,
    port: u16,
    /// What the sidecar is told must not end before it.
    _told: (Hands, watch::Sender<Capture>),
}

impl World {
    /// The application is asked this, and may take its time.
    pub(super) fn asking(check: Check) -> Self {
        Self::with(check, 30, ProxyLimits::default())
    }

    pub(super) fn with(check: Check, seconds: u32, limits: ProxyLimits) -> Self {
        let hands = Hands::new(&Arc::new(Mesh::new()), Mode::Strict);
        let sidecar = sidecar(&hands, SERVER, limits, 15_008);
        let (capture, told) = watch::channel(Capture::Proved);
        let (stopper, stop) = Stopper::new();
        let condition = Arc::new(Condition::new(Arc::clone(&sidecar), told, watch::channel(None).1, stop.clone()));
        let answers = Answers::new(Arc::clone(&sidecar), condition, liveness(check, seconds));
        let open = ProbePort::bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let port = open.port();
        let serving = tokio::spawn(open.serve(answers, stop));
        Self { sidecar, stopper, serving, port, _told: (hands, capture) }
    }

    /// A connection over which this was asked by GET.
    pub(super) async fn begin(&self, path: &str) -> TcpStream {
        self.say(&format!("GET {path} HTTP/1.1\r\nhost: probe\r\nconnection: close\r\n\r\n")).await
    }

    pub(super) async fn say(&self, request: &str) -> TcpStream {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    /// Status and words of the answer to this, asked by GET.
    pub(super) async fn ask(&self, path: &str) -> (u16, String) {
        answer(self.begin(path).await).await
    }

    /// Asks for the liveness: this must be the status, and these words must be in the answer.
    pub(super) async fn check(&self, status: u16, words: &str) {
        let (answered, said) = self.ask(LIVENESS).await;
        assert_eq!(answered, status, "{said}");
        assert!(said.contains(words), "`{words}` in {said}");
    }

    /// Waits until this many probes of the liveness have ended like this.
    pub(super) async fn until_counted(&self, result: &str, count: u32) {
        let line = format!("bulkhead_probes_total{{kind=\"liveness\",result=\"{result}\"}} {count}\n");
        let counted = async {
            while !self.sidecar.metrics.encode().contains(&line) {
                tokio::task::yield_now().await;
            }
        };
        within(&line, counted).await;
    }
}

/// Status and words of what is answered over a connection.
pub(super) async fn answer(mut stream: TcpStream) -> (u16, String) {
    let mut answer = String::new();
    within("an answer", stream.read_to_string(&mut answer)).await.unwrap();
    let status = answer.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).and_then(|code| code.parse().ok());
    (status.unwrap_or_else(|| panic!("no status in {answer:?}")), answer)
}

/// Where an application can be asked.
pub(super) async fn listen() -> (TcpListener, NonZeroU16) {
    let listener = TcpListener::bind((SERVER, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, NonZeroU16::new(port).unwrap())
}

/// Hears the head of a request, says this, and is done; what was heard.
pub(super) async fn say_once(mut stream: impl AsyncRead + AsyncWrite + Unpin, answer: &[u8]) -> String {
    let mut heard = Vec::new();
    while !heard.windows(4).any(|end| end == b"\r\n\r\n") && stream.read_buf(&mut heard).await.unwrap() > 0 {}
    // Whoever has heard enough does not listen to the rest.
    let _ = stream.write_all(answer).await;
    let _ = stream.shutdown().await;
    String::from_utf8_lossy(&heard).into_owned()
}

/// The application is asked for `/ok` in this way.
pub(super) fn get(scheme: Scheme, port: NonZeroU16) -> Check {
    Check::Http(HttpCheck { scheme, port, path: "/ok".into(), headers: Vec::new() })
}

/// Whether nothing more comes from the other side; how it ended does not matter.
pub(super) async fn is_over(mut stream: TcpStream) {
    let mut rest = Vec::new();
    let _ = within("the end of a connection", stream.read_to_end(&mut rest)).await;
}

fn liveness(check: Check, seconds: u32) -> Probes {
    let timeout_seconds = NonZeroU32::new(seconds).unwrap();
    let container = "app".parse().unwrap();
    Probes::new(vec![Probe { container, kind: ProbeKind::Liveness, check, timeout_seconds }]).unwrap()
}

/// An address that nobody listens at, as long as the socket lives.
pub(super) fn held(address: IpAddr) -> (TcpSocket, NonZeroU16) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::new(address, 0)).unwrap();
    let port = socket.local_addr().unwrap().port();
    (socket, NonZeroU16::new(port).unwrap())
}

pub(super) const LIVENESS: &str = "/probe/app/liveness";
