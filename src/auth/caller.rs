//! Callers: role, name, and remaining budget.

use crate::{auth::limits::Allowance, database::client::Client};

/// Each role includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Without a key.
    Anonymous,
    Reader,
    Editor,
    Admin,
}

impl Role {
    pub const ALL: [Role; 4] = [Role::Anonymous, Role::Reader, Role::Editor, Role::Admin];

    pub fn named(name: &str) -> Option<Role> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// Its name in the schema.
    pub fn name(self) -> &'static str {
        match self {
            Role::Anonymous => "ANONYMOUS",
            Role::Reader => "READER",
            Role::Editor => "EDITOR",
            Role::Admin => "ADMIN",
        }
    }
}

#[derive(Clone, Debug)]
pub struct Identity {
    pub role: Role,
    /// The name under which changes are recorded; none for anonymous callers.
    pub name: Option<String>,
}

impl Identity {
    pub const ANONYMOUS: Identity = Identity { role: Role::Anonymous, name: None };
}

/// The sender of a request, with the remaining budget.
#[derive(Clone, Debug)]
pub struct Caller {
    pub identity: Identity,
    pub client: Client,
    pub allowance: Allowance,
}
