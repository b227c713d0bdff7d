//! Every administrative call is declared, in its handler's signature, as reading, tightening, ordinary or loosening.

use std::marker::PhantomData;

use bulkhead_mesh::OperatorName;

use super::{Caller, NotAllowed, Operator};
use crate::store::Role;

/// An operator who may make calls of the class `C`.
#[derive(Clone, Debug)]
pub struct By<C> {
    operator: Operator,
    class: PhantomData<C>,
}

/// How much a call needs.
pub trait Class {
    /// Its name in messages.
    const NAME: &'static str;
    /// The least role that may make it.
    const NEEDS: Role;
}

/// Changes nothing.
#[derive(Clone, Copy, Debug)]
pub enum Reading {}

/// Takes something away from the mesh: one operator or robot of the lowest role may do it at once.
#[derive(Clone, Copy, Debug)]
pub enum Tightening {}

/// The daily work.
#[derive(Clone, Copy, Debug)]
pub enum Ordinary {}

/// Gives more than before, or might.
#[derive(Clone, Copy, Debug)]
pub enum Loosening {}

impl Class for Reading {
    const NAME: &'static str = "reading";
    const NEEDS: Role = Role::Responder;
}

impl Class for Tightening {
    const NAME: &'static str = "tightening";
    const NEEDS: Role = Role::Responder;
}

impl Class for Ordinary {
    const NAME: &'static str = "ordinary";
    const NEEDS: Role = Role::Operator;
}

impl Class for Loosening {
    const NAME: &'static str = "loosening";
    const NEEDS: Role = Role::Owner;
}

impl<C: Class> TryFrom<Caller<Operator>> for By<C> {
    type Error = NotAllowed;

    fn try_from(caller: Caller<Operator>) -> Result<Self, NotAllowed> {
        let operator = caller.0;
        if operator.role >= C::NEEDS {
            return Ok(Self { operator, class: PhantomData });
        }
        let (has, needs) = (operator.role.as_str(), C::NEEDS.as_str());
        Err(NotAllowed::Role { id: operator.id, has, class: C::NAME, needs })
    }
}

impl<C> By<C> {
    /// Passes where the operator may also make calls of the class `D`: for a call that turns out to need more.
    pub fn also<D: Class>(&self) -> Result<(), NotAllowed> {
        By::<D>::try_from(Caller(self.operator.clone())).map(drop)
    }

    /// Who.
    pub fn operator(&self) -> &OperatorName {
        &self.operator.name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may<C: Class>(role: Role) -> bool {
        let id = "spiffe://prod.example/operator/ada".parse().unwrap();
        By::<C>::try_from(Caller(Operator { name: "ada".parse().unwrap(), id, role })).is_ok()
    }

    #[test]
    fn a_responder_may_revoke_and_only_an_owner_may_loosen() {
        for (role, reading, tightening, ordinary, loosening) in [
            (Role::Responder, true, true, false, false),
            (Role::Operator, true, true, true, false),
            (Role::Owner, true, true, true, true),
        ] {
            let found = (may::<Reading>(role), may::<Tightening>(role), may::<Ordinary>(role), may::<Loosening>(role));
            assert_eq!(found, (reading, tightening, ordinary, loosening), "{role:?}");
        }
    }
}
