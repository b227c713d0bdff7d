//! Vectors of an independent encoder, a table of refusals, and the laws.

use proptest::prelude::*;

use super::*;
use crate::testing::bytes_of;

fn label(text: &str) -> Label {
    text.parse().unwrap()
}

/// The default levels, and one more with the highest number that there is.
fn levels() -> Levels {
    let mut levels: Vec<_> = Levels::default().into();
    levels.push(bulkhead_mesh::label::Level { name: "cosmic".parse().unwrap(), number: 63 });
    Levels::new(levels).unwrap()
}

/// The encoding of a clearance with this policy arc, BIT STRING and further fields, all in hex, lengths below 128.
fn clearance(policy: &str, class_list: &str, rest: &str) -> Vec<u8> {
    let oid = format!("0623{ARC}{policy}");
    let sequence = tlv("30", &format!("{oid}{class_list}{rest}"));
    bytes_of(&tlv("30", &tlv("30", &format!("0603550437{}", tlv("31", &sequence)))))
}

fn category(kind: &str, value: &str) -> String {
    tlv("30", &format!("8023{ARC}{kind}{}", tlv("a1", value)))
}

fn tlv(tag: &str, content: &str) -> String {
    let length = content.len() / 2;
    if length < 128 { format!("{tag}{length:02x}{content}") } else { format!("{tag}81{length:02x}{content}") }
}

const ARC: &str = "2a864886f71401be40937a82963883ca7c83945e81864882fc7284add47386deb44d";

#[test]
fn matches_what_an_independent_encoder_writes() {
    // The hex is the output of crates/identity/tests/vectors.py (pyasn1's DER encoder).
    for (text, hex) in [
        (
            "public",
            "303430320603550437312b302906232a864886f71401be40937a82963883ca7c83945e81864882fc7284add47386deb4\
             4d0103020102",
        ),
        (
            "confidential:eu,pci,a",
            "3081c23081bf06035504373181b73081b406232a864886f71401be40937a82963883ca7c83945e81864882fc7284add4\
             7386deb44d010303070080318187302a80232a864886f71401be40937a82963883ca7c83945e81864882fc7284add473\
             86deb44d02a1030c0161302b80232a864886f71401be40937a82963883ca7c83945e81864882fc7284add47386deb44d\
             02a1040c026575302c80232a864886f71401be40937a82963883ca7c83945e81864882fc7284add47386deb44d02a105\
             0c03706369",
        ),
        (
            &format!("cosmic:{}", "x".repeat(63)),
            "3081aa3081a7060355043731819f30819c06232a864886f71401be40937a82963883ca7c83945e81864882fc7284add4\
             7386deb44d010309000000000000000001316a306880232a864886f71401be40937a82963883ca7c83945e81864882fc\
             7284add47386deb44d02a1410c3f78787878787878787878787878787878787878787878787878787878787878787878\
             7878787878787878787878787878787878787878787878787878787878",
        ),
    ] {
        let bytes = bytes_of(hex);
        assert_eq!(encode(&label(text), &levels()).unwrap(), bytes, "{text}");
        assert_eq!(decode(&bytes, &levels()), Ok(label(text)));
    }
}

#[test]
fn a_label_that_the_mesh_does_not_know_is_neither_written_nor_read() {
    let unknown = encode(&label("secret"), &levels());
    assert_eq!(unknown, Err(ClearanceError::UnknownName { level: "secret".parse().unwrap() }));
    let read = decode(&encode(&label("cosmic"), &levels()).unwrap(), &Levels::default());
    assert_eq!(read, Err(ClearanceError::UnknownLevel { number: 63 }));
}

#[test]
fn the_hand_made_encoding_of_these_tests_is_valid_where_nothing_is_wrong() {
    let set = tlv("31", &category("02", "0c0161"));
    assert_eq!(decode(&clearance("01", "03020102", &set), &levels()), Ok(label("public:a")));
}

#[test]
fn what_is_not_exactly_one_label_is_refused() {
    use ClearanceError as E;
    let (a, b) = (category("02", "0c0161"), category("02", "0c0162"));
    let check = |bytes: &[u8], expected: E| assert_eq!(decode(bytes, &levels()), Err(expected));
    check(&clearance("02", "03020102", ""), E::Policy { found: oid::CATEGORY });
    check(&clearance("01", "", ""), E::UnknownLevel { number: 1 });
    check(&clearance("01", "03020640", ""), E::UnknownLevel { number: 1 });
    check(&clearance("01", "030100", ""), E::Classes { found: 0 });
    check(&clearance("01", "03020003", ""), E::Classes { found: 2 });
    check(&clearance("01", "03020002", ""), E::NotCanonical);
    check(&clearance("01", "0303010200", ""), E::NotCanonical);
    check(&clearance("01", "03020102", "3100"), E::NotCanonical);
    check(&clearance("01", "03020102", &tlv("31", &format!("{b}{a}"))), E::NotCanonical);
    check(&clearance("01", "03020102", &tlv("31", &format!("{a}{a}"))), E::NotCanonical);
    let of_another_type = tlv("31", &category("01", "0c0161"));
    check(&clearance("01", "03020102", &of_another_type), E::CategoryType { found: oid::LABEL_POLICY });
    check(&bytes_of("3000"), E::Attributes { found: 0 });
    assert!(matches!(decode(&bytes_of("300730050603550437"), &levels()), Err(E::Der(_))));
    check(&bytes_of("3009300706035504373100"), E::Values { found: 0 });
    check(&bytes_of("3009300706035504383100"), E::Attribute { found: ObjectIdentifier::new_unwrap("2.5.4.56") });
}

#[test]
fn categories_are_names_and_not_too_many() {
    for value in ["0c0141", "0c00", "160161", "0c0161 0c0161", "0c02c3a9"] {
        let set = tlv("31", &category("02", &value.replace(' ', "")));
        assert!(decode(&clearance("01", "03020102", &set), &levels()).is_err(), "{value}");
    }
    let many = Label {
        level: "public".parse().unwrap(),
        categories: (0..33).map(|number| format!("c{number}").parse().unwrap()).collect(),
    };
    assert_eq!(encode(&many, &levels()), Err(ClearanceError::TooManyCategories));
    let forged = extension(6, &many.categories).unwrap();
    assert_eq!(decode(&forged, &levels()), Err(ClearanceError::TooManyCategories));
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        level in prop::sample::select(vec!["public", "internal", "confidential", "restricted", "cosmic"]),
        categories in prop::collection::btree_set("[a-z0-9-]{1,63}", 0..=32),
    ) {
        let categories = categories.iter().map(|name| name.parse().unwrap()).collect();
        let label = Label { level: level.parse().unwrap(), categories };
        prop_assert_eq!(decode(&encode(&label, &levels()).unwrap(), &levels()), Ok(label));
    }

    #[test]
    fn no_bytes_make_the_decoder_panic(mut bytes: Vec<u8>, at: prop::sample::Index, byte: u8) {
        let _ = decode(&bytes, &levels());
        bytes = encode(&label("restricted:eu,pci"), &levels()).unwrap();
        *at.get_mut(&mut bytes) = byte;
        let Ok(read) = decode(&bytes, &levels()) else { return Ok(()) };
        prop_assert_eq!(encode(&read, &levels()).unwrap(), bytes);
    }
}
