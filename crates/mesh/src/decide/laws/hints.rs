//! The rule that a refusal names is one that lets the connection pass.

use super::*;

/// The rule between the backticks, read as a policy would read it.
fn named_rule<To: serde::de::DeserializeOwned>(hint: &str) -> RuleDocument<To> {
    let yaml = hint.split('`').nth(1).unwrap();
    let quoted = ["allow", "from", "to", "ports", "identity"]
        .iter()
        .fold(yaml.to_owned(), |text, key| text.replace(&format!("{key}: "), &format!("\"{key}\": ")));
    let json = quoted.replace(" unauthenticated", " \"unauthenticated\"");
    serde_json::from_str(&format!("{{ \"name\": \"hinted\", {json} }}")).unwrap()
}

proptest! {
    #[test]
    fn the_rule_that_a_refusal_names_lets_the_connection_pass(
        document in any_document(), client in any_party(), server in any_party(), port in any_port(),
    ) {
        let flow = flow(&client, &server, port);
        let refusal = Policy::try_from(document.clone()).unwrap().admit(&flow, NOW).err();
        let hinted = refusal.as_ref().and_then(Refusal::hint).map(|hint| with(&document, named_rule(hint)));
        let plain = [&client, &server].into_iter().filter(|party| party.party().label().is_none()).count();
        let by_default = refusal.as_ref().is_some_and(|refusal| refusal.kind() == RefusalKind::Default);
        prop_assert_eq!(hinted.is_some(), by_default && plain == 1);
        if let Some(document) = hinted {
            prop_assert!(allowed(&document, &client, &server, port));
        }
    }

    #[test]
    fn the_egress_rule_that_a_refusal_names_lets_the_connection_pass(
        four in any::<bool>(), address in any::<u128>(), port in 1_u16..,
    ) {
        let four = four.then(|| std::net::Ipv4Addr::from_bits(u32::try_from(address >> 96).unwrap()).into());
        let address = four.unwrap_or_else(|| std::net::IpAddr::from(std::net::Ipv6Addr::from_bits(address)));
        let (web, to) = (Owned::read("ns/shop/sa/web internal"), std::net::SocketAddr::new(address, port));
        let refusal = Policy::default().admit_egress(web.party(), to, NOW).unwrap_err();
        let egress = vec![named_rule(refusal.hint().unwrap())];
        let policy = Policy::try_from(Document { egress, ..Document::default() }).unwrap();
        prop_assert!(policy.admit_egress(web.party(), to, NOW).is_ok());
    }
}
