//! The sensitivity label in a certificate: a `clearance` attribute (RFC 5755, section 4.4.6; RFC 5913) inside the
//! subjectDirectoryAttributes extension.
//!
//! ```text
//! SubjectDirectoryAttributes ::= SEQUENCE SIZE (1..MAX) OF Attribute
//! Attribute        ::= SEQUENCE { type OBJECT IDENTIFIER, values SET OF Clearance }
//! Clearance        ::= SEQUENCE { policyId OBJECT IDENTIFIER, classList ClassList DEFAULT {unclassified},
//!                                 securityCategories SET OF SecurityCategory OPTIONAL }
//! SecurityCategory ::= SEQUENCE { type [0] IMPLICIT OBJECT IDENTIFIER, value [1] EXPLICIT ANY DEFINED BY type }
//! ```
//!
//! We write exactly one clearance: our policy, the one classList bit of the label's level, one category each as a
//! UTF8String. Anything else is refused: a reader that picks what it understands out of a label reads another label.

use std::collections::BTreeSet;

use bulkhead_mesh::label::ParseLabelError;
use bulkhead_mesh::{Category, Label, LevelName, Levels};
use der::asn1::{AnyRef, BitStringRef, ObjectIdentifier, Utf8StringRef};
use der::{Decode, Encode, Reader, Sequence, SliceReader, Tag, Tagged};

use crate::oid;

/// Writes `label` as the value of a subjectDirectoryAttributes extension; its level must be one of `levels`.
pub fn encode(label: &Label, levels: &Levels) -> Result<Vec<u8>, ClearanceError> {
    let level = levels.named(&label.level).ok_or_else(|| ClearanceError::UnknownName { level: label.level.clone() })?;
    if label.categories.len() > Label::MAX_CATEGORIES {
        return Err(ClearanceError::TooManyCategories);
    }
    Ok(extension(level.number, &label.categories)?)
}

/// Reads the value of a subjectDirectoryAttributes extension back; what [`encode`] would not write is refused.
pub fn decode(extension: &[u8], levels: &Levels) -> Result<Label, ClearanceError> {
    let clearance = only_clearance(extension)?;
    if clearance.policy != oid::LABEL_POLICY {
        return Err(ClearanceError::Policy { found: clearance.policy });
    }
    let number = only_class(clearance.class_list)?;
    let level = u8::try_from(number).ok().and_then(|number| levels.numbered(number));
    let level = level.ok_or(ClearanceError::UnknownLevel { number })?;
    let label = Label { level: level.name.clone(), categories: categories(clearance.categories)? };
    // Written again it must be the same bytes: this catches an unsorted SET, trailing zero bits, a default spelt out.
    if encode(&label, levels)? == extension { Ok(label) } else { Err(ClearanceError::NotCanonical) }
}

/// Why bytes are not the label of a leaf, or a label cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum ClearanceError {
    #[error("subjectDirectoryAttributes is not DER (RFC 5280, section 4.2.1.8)")]
    Der(#[from] der::Error),
    #[error("subjectDirectoryAttributes holds {found} attributes; a leaf has one, the clearance")]
    Attributes { found: usize },
    #[error("subjectDirectoryAttributes holds the attribute {found}; a leaf has the clearance only")]
    Attribute { found: ObjectIdentifier },
    #[error("the clearance attribute has {found} values; a leaf has one label")]
    Values { found: usize },
    #[error("the clearance follows policy {found}, not the label policy {} of this mesh", oid::LABEL_POLICY)]
    Policy { found: ObjectIdentifier },
    #[error("the clearance names {found} levels; a label has one (RFC 5755, section 4.4.6, classList)")]
    Classes { found: usize },
    #[error("the clearance names level number {number}, which this mesh does not know")]
    UnknownLevel { number: usize },
    #[error("level `{level}` is not a level of this mesh")]
    UnknownName { level: LevelName },
    #[error("the clearance has a category of type {found}, not {}", oid::CATEGORY)]
    CategoryType { found: ObjectIdentifier },
    #[error("the clearance has a category that is no name")]
    Category(#[from] ParseLabelError),
    #[error("the clearance has more than {} categories", Label::MAX_CATEGORIES)]
    TooManyCategories,
    #[error("the clearance is not written as DER demands (X.690, section 11), or names a category twice")]
    NotCanonical,
}

#[derive(Sequence)]
struct Attribute<'a> {
    kind: ObjectIdentifier,
    values: AnyRef<'a>,
}

#[derive(Sequence)]
struct Clearance<'a> {
    policy: ObjectIdentifier,
    class_list: Option<BitStringRef<'a>>,
    categories: Option<AnyRef<'a>>,
}

#[derive(Sequence)]
struct SecurityCategory<'a> {
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT")]
    kind: ObjectIdentifier,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT")]
    value: Utf8StringRef<'a>,
}

fn extension(number: u8, categories: &BTreeSet<Category>) -> der::Result<Vec<u8>> {
    let (bytes, unused) = one_bit(number);
    let set = sorted_set(categories)?;
    let clearance = Clearance {
        policy: oid::LABEL_POLICY,
        class_list: Some(BitStringRef::new(unused, &bytes)?),
        categories: if set.is_empty() { None } else { Some(AnyRef::new(Tag::Set, &set)?) },
    };
    let value = clearance.to_der()?;
    vec![Attribute { kind: oid::CLEARANCE, values: AnyRef::new(Tag::Set, &value)? }].to_der()
}

/// A named-bit list with this bit alone: no octet after it, the bits behind it in its octet unused (X.690, 11.2.2).
fn one_bit(number: u8) -> (Vec<u8>, u8) {
    let mut bytes = vec![0; usize::from(number / 8) + 1];
    bytes[usize::from(number / 8)] = 0x80 >> (number % 8);
    (bytes, 7 - number % 8)
}

/// The content of the SET OF: its elements in ascending order of their encodings (X.690, section 11.6).
fn sorted_set(categories: &BTreeSet<Category>) -> der::Result<Vec<u8>> {
    let encode =
        |name: &Category| SecurityCategory { kind: oid::CATEGORY, value: Utf8StringRef::new(name.as_str())? }.to_der();
    let mut elements = categories.iter().map(encode).collect::<der::Result<Vec<_>>>()?;
    elements.sort_unstable();
    Ok(elements.concat())
}

fn only_clearance(extension: &[u8]) -> Result<Clearance<'_>, ClearanceError> {
    let attributes = Vec::<Attribute<'_>>::from_der(extension)?;
    let [attribute] = &attributes[..] else { return Err(ClearanceError::Attributes { found: attributes.len() }) };
    if attribute.kind != oid::CLEARANCE {
        return Err(ClearanceError::Attribute { found: attribute.kind });
    }
    let values = elements::<AnyRef<'_>>(attribute.values, usize::MAX)?;
    let [value] = &values[..] else { return Err(ClearanceError::Values { found: values.len() }) };
    Ok(value.decode_as()?)
}

/// The number of the one bit that is set; an absent list is the default {unclassified}, which is bit 1.
fn only_class(list: Option<BitStringRef<'_>>) -> Result<usize, ClearanceError> {
    let Some(list) = list else { return Ok(1) };
    let set: Vec<usize> = list.bits().enumerate().filter_map(|(number, bit)| bit.then_some(number)).collect();
    if let [number] = set[..] { Ok(number) } else { Err(ClearanceError::Classes { found: set.len() }) }
}

fn categories(set: Option<AnyRef<'_>>) -> Result<BTreeSet<Category>, ClearanceError> {
    let Some(set) = set else { return Ok(BTreeSet::new()) };
    elements::<SecurityCategory<'_>>(set, Label::MAX_CATEGORIES)?.iter().map(category).collect()
}

fn category(category: &SecurityCategory<'_>) -> Result<Category, ClearanceError> {
    if category.kind != oid::CATEGORY {
        return Err(ClearanceError::CategoryType { found: category.kind });
    }
    Ok(category.value.as_str().parse()?)
}

/// The elements of a SET OF, at most `limit`.
fn elements<'a, T: Decode<'a, Error = der::Error>>(set: AnyRef<'a>, limit: usize) -> Result<Vec<T>, ClearanceError> {
    set.tag().assert_eq(Tag::Set)?;
    let mut reader = SliceReader::new(set.value())?;
    let mut elements = Vec::new();
    while !reader.is_finished() {
        if elements.len() == limit {
            return Err(ClearanceError::TooManyCategories);
        }
        elements.push(T::decode(&mut reader)?);
    }
    Ok(elements)
}

#[cfg(test)]
mod tests;
