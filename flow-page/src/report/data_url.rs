//! Content as an address that has the content itself: `data:image/png;base64,...` (RFC 2397, RFC 4648).

/// The digits of base 64.
const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Returns the number of characters that content of this size has in an address, without its beginning.
pub(super) fn encoded_bytes(bytes: u64) -> u64 {
    bytes.div_ceil(3).saturating_mul(4)
}

/// Returns the address of content with a media type.
pub(super) fn data_url(media_type: &str, content: &[u8]) -> String {
    let beginning = format!("data:{media_type};base64,");
    let mut url = String::with_capacity(beginning.len() + content.len().div_ceil(3) * 4);
    url.push_str(&beginning);
    for group in content.chunks(3) {
        let mut bytes = [0; 4];
        bytes[1..=group.len()].copy_from_slice(group);
        let bits = u32::from_be_bytes(bytes);
        for place in 0..4 {
            // A group of n bytes has n + 1 digits.
            url.push(match place <= group.len() {
                true => char::from(DIGITS[(bits >> (18 - 6 * place)) as usize & 63]),
                false => '=',
            });
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_encoded_as_rfc_4648_says() {
        for (content, encoded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(data_url("a/b", content.as_bytes()), format!("data:a/b;base64,{encoded}"));
            assert_eq!(encoded_bytes(content.len() as u64), encoded.len() as u64);
        }
        assert_eq!(data_url("a", &[0xfb, 0xff, 0xfe]), "data:a;base64,+//+");
    }
}
