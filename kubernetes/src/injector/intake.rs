//! A question's text on its way into memory, from whoever reaches the port and however slowly it comes.
//!
//! A connection carries one question: HTTP/1.1 alone is spoken, and nothing after the first answer, so there are no streams
//! to count. That would still leave `--max-connections` times `--max-request-bytes`, 1.8 GB by default, to whoever sends all
//! but the last byte. So a question that proves to be large waits for room, and there is room for two.
//!
//! In the worst case, by the defaults, there are 256 texts of 128 KiB and two of 7 MiB: 46 MiB, up to twice as much as they
//! grow, and some tens of KiB of TLS and HTTP for each connection. What a text is parsed to can take a hundred times its size,
//! so that its values are counted first ([`super::values`], `--max-request-values`). Only questions in their turn (`--max-requests`) are parsed, and
//! two of them at most are large.

use std::error::Error;
use std::pin::pin;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Body;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::values;

/// Where questions are read.
pub(crate) struct Intake {
    longest: usize,
    most_values: usize,
    room: Semaphore,
}

/// A question's text. While it is there, so is the room that it takes.
pub(crate) struct Text<'a> {
    pub(crate) bytes: Bytes,
    _room: Option<SemaphorePermit<'a>>,
}

/// Why there is no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    /// It is longer than any may be.
    TooLarge,
    /// It has more values, or says what looks like more.
    TooMany { values: usize },
    /// It has ended before its end.
    BrokeOff,
}

impl Intake {
    /// Takes texts of so many bytes and values at most.
    pub(crate) const fn new(longest: usize, most_values: usize) -> Self {
        Self { longest, most_values, room: Semaphore::const_new(LARGE_AT_A_TIME) }
    }

    /// All of a text, once it has come. A small one waits for nobody.
    pub(crate) async fn read<B>(&self, body: B) -> Result<Text<'_>, Unread>
    where
        B: Body<Data = Bytes>,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let mut body = pin!(Limited::new(body, self.longest));
        let (mut text, mut room) = (BytesMut::new(), None);
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(|problem| Unread::from(&*problem))?.into_data() else { continue };
            if room.is_none() && text.len() + data.len() > SMALL {
                room = self.room.acquire().await.ok(); // Nobody closes the semaphore.
            }
            text.extend_from_slice(&data);
        }
        match values::count(&text) {
            values if values > self.most_values => Err(Unread::TooMany { values }),
            _ => Ok(Text { bytes: text.freeze(), _room: room }),
        }
    }
}

impl From<&(dyn Error + Send + Sync + 'static)> for Unread {
    fn from(problem: &(dyn Error + Send + Sync + 'static)) -> Self {
        if problem.is::<LengthLimitError>() { Self::TooLarge } else { Self::BrokeOff }
    }
}

/// Most pods have a tenth of that, even before and after a change.
const SMALL: usize = 128 * 1024;
/// Each takes milliseconds from somebody who means it.
const LARGE_AT_A_TIME: usize = 2;

#[cfg(test)]
mod tests {
    use std::io;

    use futures_util::stream::{iter, pending};
    use futures_util::{FutureExt as _, StreamExt as _};
    use http_body_util::combinators::BoxBody;
    use http_body_util::{Full, StreamBody};
    use hyper::body::Frame;

    use super::*;

    const LONGEST: usize = 4 * SMALL;
    const MOST_VALUES: usize = 1000;

    /// So many bytes, and nothing after them.
    fn stalled(length: usize) -> impl Body<Data = Bytes, Error = io::Error> + Unpin {
        let sent = iter([Ok(Frame::data(Bytes::from(vec![b' '; length])))]);
        StreamBody::new(sent.chain(pending()))
    }

    fn whole(length: usize) -> BoxBody<Bytes, io::Error> {
        body(vec![b' '; length])
    }

    fn body(text: Vec<u8>) -> BoxBody<Bytes, io::Error> {
        Full::new(text.into()).map_err(|never| match never {}).boxed()
    }

    #[test]
    fn large_questions_wait_for_room_and_small_ones_for_nobody() {
        let intake = Intake::new(LONGEST, MOST_VALUES);
        let mut slow: Vec<_> = (0..LARGE_AT_A_TIME).map(|_| Box::pin(intake.read(stalled(SMALL + 1)))).collect();
        assert!(slow.iter_mut().all(|reading| reading.now_or_never().is_none()));
        let mut large = Box::pin(intake.read(whole(SMALL + 1)));
        assert!((&mut large).now_or_never().is_none(), "there is no room");
        assert!(intake.read(whole(SMALL)).now_or_never().unwrap().is_ok());
        drop(slow.pop());
        let first = large.now_or_never().unwrap().unwrap();
        assert_eq!(first.bytes.len(), SMALL + 1);
        assert!(intake.read(whole(LONGEST)).now_or_never().is_none(), "the text is still there");
        drop(first);
        assert!(intake.read(whole(LONGEST)).now_or_never().unwrap().is_ok());
    }

    #[test]
    fn what_is_sent_slowly_and_small_takes_no_room() {
        let intake = Intake::new(LONGEST, MOST_VALUES);
        let mut slow: Vec<_> = (0..1000).map(|_| Box::pin(intake.read(stalled(SMALL)))).collect();
        assert!(slow.iter_mut().all(|reading| reading.now_or_never().is_none()));
        assert_eq!(intake.room.available_permits(), LARGE_AT_A_TIME);
    }

    #[test]
    fn what_is_not_read_is_told_apart() {
        let intake = Intake::new(LONGEST, MOST_VALUES);
        let said = |body| intake.read(body).now_or_never().unwrap().map(|text| text.bytes.len());
        assert_eq!(said(whole(LONGEST)), Ok(LONGEST));
        assert_eq!(said(whole(LONGEST + 1)), Err(Unread::TooLarge));
        assert_eq!(said(body(vec![b'['; MOST_VALUES - 1])), Ok(MOST_VALUES - 1));
        assert_eq!(said(body(vec![b'['; MOST_VALUES])), Err(Unread::TooMany { values: MOST_VALUES + 1 }));
        let broken = StreamBody::new(iter([Err(io::Error::from(io::ErrorKind::UnexpectedEof))]));
        assert_eq!(said(BoxBody::new(broken)), Err(Unread::BrokeOff));
    }
}
