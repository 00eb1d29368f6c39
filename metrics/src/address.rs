//! Addresses of object stores and servers, which are told from paths and not read.

/// Whether text is an address, such as `s3://bucket/key`, and not a path.
pub fn is_address(text: &str) -> bool {
    text.contains("://")
}

/// The address without what stands before its `@`, which may be a secret: messages are kept and shown.
pub fn without_user(address: &str) -> String {
    match address.split_once("://") {
        Some((scheme, rest)) => format!("{scheme}://{}", rest.rsplit_once('@').map_or(rest, |(_, place)| place)),
        None => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_shown() {
        assert_eq!(without_user("s3://key:secret@bucket/x.csv"), "s3://bucket/x.csv");
        assert_eq!(without_user("s3://bucket/x.csv"), "s3://bucket/x.csv");
        assert!(!is_address("data/x.csv"));
    }
}
