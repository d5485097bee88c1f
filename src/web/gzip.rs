//! One gzip stream out of parts compressed beforehand. The shared body of a board is compressed once for everybody;
//! a viewer's own header is put before it as it is, so a request never compresses anything.
//!
//! Each part is a run of deflate blocks that ends on a byte boundary and refers to nothing before it (RFC 1951), so
//! runs can be joined; the check sum of the whole is combined from those of the parts (RFC 1952).

use std::sync::OnceLock;

use bytes::{BufMut, Bytes, BytesMut};
use crc32fast::Hasher;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};

/// Magic, deflate, no flags, no time, no extra, unknown system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
/// A last, empty block with fixed codes.
const END: [u8; 2] = [0x03, 0x00];

/// A run of bytes, as it is and compressed; for what many will read.
#[derive(Clone)]
pub struct Part {
    /// known only when somebody asked for it, where the part came compressed
    plain: OnceLock<Bytes>,
    length: usize,
    deflated: Bytes,
    check: Hasher,
}

impl Part {
    /// Compresses well and once.
    pub fn compressed(plain: Bytes) -> Self {
        let mut deflate = Compress::new(Compression::new(6), false);
        let mut deflated = Vec::with_capacity(plain.len() / 3 + 64);
        let mut consumed = 0;
        loop {
            if deflated.capacity() - deflated.len() < 64 {
                deflated.reserve(plain.len() / 2 + 1024);
            }
            let before = (deflate.total_in(), deflated.len());
            // cannot fail: the state is fresh and there is always room
            let _ = deflate.compress_vec(&plain[consumed..], &mut deflated, FlushCompress::Full);
            consumed = deflate.total_in() as usize;
            let room_left = deflated.capacity() > deflated.len();
            if consumed == plain.len() && (room_left || (deflate.total_in(), deflated.len()) == before) {
                break;
            }
        }
        Part {
            check: check(&plain),
            length: plain.len(),
            deflated: deflated.into(),
            plain: plain.into(),
        }
    }

    /// A part that was compressed before: what [`Part::deflated`], [`Part::check_sum`] and [`Part::length`] said of it.
    pub fn kept(deflated: Bytes, check_sum: u32, length: usize) -> Self {
        Part {
            check: Hasher::new_with_initial_len(check_sum, length as u64),
            length,
            deflated,
            plain: OnceLock::new(),
        }
    }

    /// As it is.
    pub fn plain(&self) -> &Bytes {
        self.plain.get_or_init(|| inflated(&self.deflated, self.length))
    }

    /// The run of deflate blocks.
    pub fn deflated(&self) -> &Bytes {
        &self.deflated
    }

    /// CRC-32 of the plain bytes.
    pub fn check_sum(&self) -> u32 {
        self.check.clone().finalize()
    }

    /// Of the plain bytes.
    pub fn length(&self) -> usize {
        self.length
    }
}

/// The plain bytes of a run of blocks, or as many of them as can be read.
fn inflated(deflated: &[u8], length: usize) -> Bytes {
    let mut plain = Vec::with_capacity(length);
    // the run does not say that it is the last, so no end is waited for
    let _ = Decompress::new(false).decompress_vec(deflated, &mut plain, FlushDecompress::Sync);
    plain.into()
}

fn check(plain: &[u8]) -> Hasher {
    let mut check = Hasher::new();
    check.update(plain);
    check
}

/// One piece of a page.
#[derive(Clone, Copy)]
pub enum Piece<'a> {
    /// compressed beforehand
    Shared(&'a Part),
    /// small and read by one person: stored as it is
    Own(&'a str),
}

/// A stored block (RFC 1951, 3.2.4) holds at most this many bytes.
const LONGEST_STORED: usize = 65_535;

/// The gzip stream of the pieces one after the other.
pub fn stitch(pieces: &[Piece<'_>]) -> Bytes {
    let length = |piece: &Piece<'_>| match piece {
        Piece::Shared(part) => part.deflated.len(),
        Piece::Own(text) => text.len() + 5 * text.len().div_ceil(LONGEST_STORED),
    };
    let lengths: usize = pieces.iter().map(length).sum();
    let mut stream = BytesMut::with_capacity(HEADER.len() + lengths + END.len() + 8);
    let mut check = Hasher::new();
    let mut plain = 0usize;
    stream.put_slice(&HEADER);
    for piece in pieces {
        match piece {
            Piece::Shared(part) => {
                stream.put_slice(&part.deflated);
                check.combine(&part.check);
                plain += part.length;
            }
            Piece::Own(text) => {
                store(&mut stream, text.as_bytes());
                check.update(text.as_bytes());
                plain += text.len();
            }
        }
    }
    stream.put_slice(&END);
    stream.put_u32_le(check.finalize());
    stream.put_u32_le(plain as u32);
    stream.freeze()
}

/// The pieces as they are, one after the other.
pub fn join(pieces: &[Piece<'_>]) -> Bytes {
    let mut joined = BytesMut::new();
    for piece in pieces {
        joined.put_slice(match piece {
            Piece::Shared(part) => part.plain(),
            Piece::Own(text) => text.as_bytes(),
        });
    }
    joined.freeze()
}

fn store(stream: &mut BytesMut, plain: &[u8]) {
    for chunk in plain.chunks(LONGEST_STORED) {
        let length = chunk.len() as u16;
        stream.put_u8(0);
        stream.put_u16_le(length);
        stream.put_u16_le(!length);
        stream.put_slice(chunk);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn joined_parts_are_one_gzip_stream_of_the_joined_text() {
        let shared: String = (0..4000).map(|n| format!("<td>{}</td>", n * n)).collect();
        let own = "héllo ".repeat(20_000);
        let part = Part::compressed(shared.clone().into());
        let pieces = [
            Piece::Own(&own),
            Piece::Shared(&part),
            Piece::Own(""),
            Piece::Own("</html>"),
        ];

        let stream = stitch(&pieces);

        let mut text = String::new();
        flate2::read::GzDecoder::new(&stream[..])
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(text, format!("{own}{shared}</html>"));
        assert_eq!(text.as_bytes(), join(&pieces));
        assert!(part.deflated.len() < shared.len() / 3);
    }

    #[test]
    fn a_part_that_was_kept_compressed_is_what_it_was() {
        let text: String = (0..4000).map(|n| format!("<td>{}</td>", n * n)).collect();
        let made = Part::compressed(text.clone().into());

        let kept = Part::kept(made.deflated().clone(), made.check_sum(), made.length());

        assert_eq!(stitch(&[Piece::Shared(&kept)]), stitch(&[Piece::Shared(&made)]));
        assert_eq!(kept.plain(), text.as_bytes());
    }
}
