//! Who asks: their role, their name, and what they may still ask.

use crate::{auth::limits::Allowance, database::client::Client};

/// What a caller may do. Each role includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Somebody who shows no key.
    Anonymous,
    Reader,
    Editor,
    Admin,
}

impl Role {
    pub const ALL: [Role; 4] = [Role::Anonymous, Role::Reader, Role::Editor, Role::Admin];

    /// The role of this name.
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

/// Who somebody is, by what they show.
#[derive(Clone, Debug)]
pub struct Identity {
    pub role: Role,
    /// Under what name changes are recorded; anonymous callers have none.
    pub name: Option<String>,
}

impl Identity {
    /// Somebody who shows nothing.
    pub const ANONYMOUS: Identity = Identity { role: Role::Anonymous, name: None };
}

/// Who sent a request, and what they may still ask.
#[derive(Clone, Debug)]
pub struct Caller {
    pub identity: Identity,
    pub client: Client,
    pub allowance: Allowance,
}
