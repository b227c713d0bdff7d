//! A client's stream by cases, on a clock that stands still.

use std::sync::LazyLock;

use super::*;
use crate::testing::{bundle, svid_until};

const NOW: Timestamp = Timestamp::from_secs(1000);
const LATER: Timestamp = Timestamp::from_secs(2000);
static BUNDLE: LazyLock<Arc<TrustBundle>> = LazyLock::new(|| Arc::new(bundle("one")));

fn offer(svid: Option<&Arc<Certified>>) -> Offer {
    Offer { bundle: Arc::clone(&BUNDLE), svid: svid.cloned(), ended: None }
}

fn given(svid: &Arc<Certified>) -> Given {
    Given { svid: Arc::clone(svid), bundle: Arc::clone(&BUNDLE) }
}

#[test]
fn a_certificate_is_given_at_once_and_only_once() {
    let held = svid_until(LATER);
    assert!(matches!(step(&offer(Some(&held)), None, NOW, NOW), Step::Give(_)));
    let again = step(&offer(Some(&held)), Some(&given(&held)), NOW, NOW);
    assert!(matches!(again, Step::Wait(moment) if moment == just_after(LATER)), "{again:?}");
}

#[test]
fn a_renewed_certificate_is_given() {
    let (old, new) = (svid_until(LATER), svid_until(LATER));
    assert!(matches!(step(&offer(Some(&new)), Some(&given(&old)), NOW, NOW), Step::Give(_)));
}

#[test]
fn changed_roots_are_given_with_the_same_certificate() {
    let held = svid_until(LATER);
    let changed = Offer { bundle: Arc::new(bundle("two")), ..offer(Some(&held)) };
    assert!(matches!(step(&changed, Some(&given(&held)), NOW, NOW), Step::Give(_)));
}

#[test]
fn a_certificate_is_given_until_its_not_after_and_not_a_moment_longer() {
    let held = svid_until(LATER);
    assert!(matches!(step(&offer(Some(&held)), None, NOW, LATER), Step::Give(_)));
    for already in [None, Some(given(&held))] {
        let after = step(&offer(Some(&held)), already.as_ref(), NOW, just_after(LATER));
        assert!(matches!(after, Step::Refuse(Refusal::Expired(moment)) if moment == LATER), "{after:?}");
    }
}

#[test]
fn the_first_certificate_is_waited_for_no_longer_than_the_patience() {
    assert!(matches!(step(&offer(None), None, LATER, NOW), Step::Wait(LATER)));
    assert!(matches!(step(&offer(None), None, LATER, LATER), Step::Refuse(Refusal::NotYet)));
}

#[test]
fn an_end_comes_before_everything_else() {
    let held = svid_until(LATER);
    for (ended, refusal) in [(Ended::Removed, Refusal::Removed), (Ended::Stopping, Refusal::Stopping)] {
        let over = Offer { ended: Some(ended), ..offer(Some(&held)) };
        assert!(matches!(step(&over, Some(&given(&held)), NOW, NOW), Step::Refuse(found) if found == refusal));
    }
}
