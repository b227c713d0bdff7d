//! Tells people, by an Event of Kubernetes, that a pod gets no sidecar, and why: where `kubectl describe` shows it.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bulkhead_daemon::chain;
use k8s_openapi::api::core::v1::ObjectReference;
use kube::Client;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tracing::warn;

use super::metrics::{Metrics, Told};
use super::review::Request;

/// What is to be told.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Notice {
    about: ObjectReference,
    reason: &'static str,
    sentence: String,
}

/// Where notices are dropped, without waiting for anybody.
#[derive(Clone, Debug)]
pub(crate) struct Postbox {
    sender: mpsc::Sender<Notice>,
    metrics: Metrics,
}

/// Writes the Events.
pub(crate) struct Writer {
    receiver: mpsc::Receiver<Notice>,
    recorder: Recorder,
    said: Said,
    metrics: Metrics,
}

/// What was said lately: a pod that is made again and again is told of once in a while.
#[derive(Debug)]
struct Said {
    pause: Duration,
    when: HashMap<Subject, Instant>,
}

/// Which object, and why.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Subject {
    namespace: String,
    kind: String,
    name: String,
    reason: &'static str,
}

/// A postbox, and who empties it.
pub(crate) fn post_office(client: Client, pause: Duration, metrics: Metrics) -> (Postbox, Writer) {
    let (sender, receiver) = mpsc::channel(WAITING);
    let reporter = Reporter { controller: "bulkhead-injector".to_owned(), instance: None };
    let recorder = Recorder::new(client, reporter);
    let said = Said { pause, when: HashMap::new() };
    (Postbox { sender, metrics: metrics.clone() }, Writer { receiver, recorder, said, metrics })
}

impl Postbox {
    /// Has it told, unless too much waits already.
    pub(crate) fn drop_in(&self, notice: Notice) {
        if self.sender.try_send(notice).is_err() {
            self.metrics.event(Told::Dropped);
        }
    }
}

impl Notice {
    /// About what has made the pod, for the pod itself often has no name yet, and a refused one never comes to be.
    pub(crate) fn new(request: &Request, reason: &'static str, sentence: String) -> Self {
        let owner = request.object.pointer("/metadata/ownerReferences/0");
        let text = |field: &str| owner.and_then(|owner| owner.get(field)).and_then(Value::as_str).map(str::to_owned);
        let about = match (text("kind"), text("name")) {
            (Some(kind), Some(name)) => ObjectReference {
                api_version: text("apiVersion"),
                kind: Some(kind),
                name: Some(name),
                uid: text("uid"),
                ..ObjectReference::default()
            },
            _ => ObjectReference {
                api_version: Some("v1".to_owned()),
                kind: Some("Pod".to_owned()),
                // An Event is called after its object, and no name ends with the `-` of one that is still to be made up.
                name: Some(request.called().trim_end_matches('-').to_owned()),
                ..ObjectReference::default()
            },
        };
        Self { about: ObjectReference { namespace: Some(request.namespace().to_owned()), ..about }, reason, sentence }
    }

    fn subject(&self) -> Subject {
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        let ObjectReference { namespace, kind, name, .. } = &self.about;
        Subject { namespace: text(namespace), kind: text(kind), name: text(name), reason: self.reason }
    }
}

impl Writer {
    /// Writes until nobody drops anything in any more.
    pub(crate) async fn write(mut self) {
        while let Some(notice) = self.receiver.recv().await {
            let told = if self.said.is_new(notice.subject(), Instant::now()) {
                self.tell(&notice).await
            } else {
                Told::Repeated
            };
            self.metrics.event(told);
        }
    }

    async fn tell(&self, notice: &Notice) -> Told {
        let event = Event {
            type_: EventType::Warning,
            reason: notice.reason.to_owned(),
            note: Some(notice.sentence.chars().take(LONGEST_NOTE).collect()),
            action: "Inject".to_owned(),
            secondary: None,
        };
        match timeout(DEADLINE, self.recorder.publish(&event, &notice.about)).await {
            Ok(Ok(())) => Told::Written,
            Ok(Err(problem)) => {
                warn!(problem = chain(&problem), "no Event was written");
                Told::Failed
            }
            Err(_) => {
                warn!("no Event was written: the API server was silent for too long");
                Told::Failed
            }
        }
    }
}

impl Said {
    /// Whether this was not said lately; from now on it was.
    fn is_new(&mut self, subject: Subject, now: Instant) -> bool {
        let is_lately = |at: &Instant| now.duration_since(*at) < self.pause;
        if self.when.get(&subject).is_some_and(is_lately) {
            return false;
        }
        if self.when.len() >= REMEMBERED {
            self.when.retain(|_, at| is_lately(at));
        }
        // More than are remembered: said again rather than never.
        if self.when.len() < REMEMBERED {
            self.when.insert(subject, now);
        }
        true
    }
}

/// Notices that may wait; further ones are dropped, and counted.
const WAITING: usize = 256;
/// Subjects that are remembered.
const REMEMBERED: usize = 4096;
/// The API server takes 1024 bytes; a character has four at most, and ours have one.
const LONGEST_NOTE: usize = 1000;
const DEADLINE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::review;
    use super::*;

    fn notice(pod: &Value) -> Notice {
        let request = Request::read(review("shop", pod).to_string().as_bytes()).unwrap();
        Notice::new(&request, "HostNetwork", "why".to_owned())
    }

    #[test]
    fn the_one_who_makes_pods_is_told_of_and_else_the_pod() {
        let owner =
            json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-1", "uid": "u", "controller": true});
        let of_owner = notice(&json!({"metadata": {"generateName": "web-1-", "ownerReferences": [owner]}}));
        let about = &of_owner.about;
        assert_eq!((about.kind.as_deref(), about.name.as_deref()), (Some("ReplicaSet"), Some("web-1")));
        assert_eq!((about.uid.as_deref(), about.namespace.as_deref()), (Some("u"), Some("shop")));
        let of_pod = notice(&json!({"metadata": {"name": "web"}}));
        assert_eq!((of_pod.about.kind.as_deref(), of_pod.about.name.as_deref()), (Some("Pod"), Some("web")));
        let nameless = notice(&json!({"metadata": {"generateName": "web-"}}));
        assert_eq!(nameless.about.name.as_deref(), Some("web"));
        for odd in [json!({"metadata": {"ownerReferences": [{}]}}), json!(3)] {
            assert_eq!(notice(&odd).about.kind.as_deref(), Some("Pod"), "{odd}");
        }
    }

    #[test]
    fn the_same_is_said_once_in_a_while() {
        let mut said = Said { pause: Duration::from_mins(5), when: HashMap::new() };
        let (web, db) = (notice(&json!({"metadata": {"name": "web"}})), notice(&json!({"metadata": {"name": "db"}})));
        let begin = Instant::now();
        let mut say = |notice: &Notice, seconds| said.is_new(notice.subject(), begin + Duration::from_secs(seconds));
        assert!(say(&web, 0) && !say(&web, 1) && say(&db, 2) && !say(&web, 299) && say(&web, 300) && !say(&web, 301));
        for number in 0..2 * REMEMBERED {
            say(&notice(&json!({"metadata": {"name": format!("pod-{number}")}})), 302);
        }
        assert_eq!(said.when.len(), REMEMBERED);
    }
}
