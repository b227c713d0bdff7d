//! Reading from a socket with a large buffer that no idle connection holds.
//!
//! Each thread has a few buffers of 256 KiB, and every read offers a whole one: bulk transfer gets its large reads from
//! the first byte, without growing and shrinking. What was read is copied out when it is little, which costs less than
//! it would to keep a buffer per connection; when it is much, the buffer itself goes on its way and comes back to a
//! thread's stock when the last byte has been sent.

use std::cell::RefCell;
use std::io;

use bytes::Bytes;
use tokio::net::TcpStream;

/// Reads once. Empty at the end of file; `WouldBlock` when there is nothing.
pub(super) fn read(app: &TcpStream) -> io::Result<Bytes> {
    let mut buffer = Buffer::take();
    let length = app.try_read_buf(&mut buffer.0)?;
    if length < LENT { Ok(Bytes::copy_from_slice(&buffer.0)) } else { Ok(Bytes::from_owner(buffer)) }
}

/// A buffer on loan from a thread's stock.
struct Buffer(Vec<u8>);

impl Buffer {
    fn take() -> Self {
        let stocked = STOCK.with_borrow_mut(Vec::pop);
        Self(stocked.unwrap_or_else(|| Vec::with_capacity(SIZE)))
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut buffer = std::mem::take(&mut self.0);
        buffer.clear();
        // A thread that is ending has no stock any more, and the buffer is freed.
        let _ = STOCK.try_with(|stock| {
            let mut stock = stock.borrow_mut();
            if stock.len() < STOCKED {
                stock.push(buffer);
            }
        });
    }
}

thread_local! {
    static STOCK: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

const SIZE: usize = 256 * 1024;
/// From here on a copy would cost more than the rest of a buffer that is lent out; a quarter of it is then in use.
const LENT: usize = 64 * 1024;
/// Buffers that a thread keeps: 1 MiB.
const STOCKED: usize = 4;
