//! Documents: checked for size, parsed, validated and cached by text.

mod cache;

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex},
};

use async_graphql::{
    dynamic::Schema,
    parser::types::{
        Directive, DocumentOperations, ExecutableDocument, Field, OperationDefinition, Selection,
        SelectionSet,
    },
};
use async_graphql_value::{Name, Value as Literal};
use sha2::{Digest, Sha256};

use crate::{
    engine::{
        DocumentName,
        plan::Plan,
        prepare::{
            coerce,
            document::cache::DocumentCache,
            limits::Limits,
            syntax::{self, Parsed},
            validation,
        },
    },
    error::{ApiError, Code},
    model::Catalog,
    sync::lock,
};

/// Longer texts are not cached.
const LONGEST_KEPT: usize = 16 * 1024;
/// Cached plans per document: one per operation and combination of `@skip` and `@include`.
const PLANS_KEPT: usize = 16;

/// A valid document with its plans.
pub struct Document {
    pub ast: ExecutableDocument,
    /// The digest of its text.
    pub digest: [u8; 32],
    /// Whether it selects fields that differ per caller.
    pub personal: bool,
    /// Whether it selects fields that depend on the languages that the client accepts.
    pub localized: bool,
    /// Variables of `@skip` and `@include`: each combination has a plan.
    deciding: BTreeSet<String>,
    plans: Mutex<HashMap<PlanKey, Arc<Plan>>>,
}

type PlanKey = (Option<String>, Vec<bool>);

impl Document {
    pub fn of(ast: ExecutableDocument, text: &str) -> Self {
        Document {
            digest: Sha256::digest(text).into(),
            personal: false,
            localized: false,
            deciding: deciding_variables(&ast),
            ast,
            plans: Mutex::default(),
        }
    }

    /// The operation with this name, or the only one.
    pub fn operation(&self, name: Option<&str>) -> Result<&OperationDefinition, ApiError> {
        let operation = match (&self.ast.operations, name) {
            (DocumentOperations::Single(only), None) => Some(only),
            (DocumentOperations::Multiple(all), Some(name)) => all.get(name),
            (DocumentOperations::Multiple(all), None) if all.len() == 1 => all.values().next(),
            _ => None,
        };
        operation.map(|operation| &operation.node).ok_or_else(|| coerce::unknown_operation(name))
    }

    /// The name of the only operation.
    pub fn only_name(&self) -> Option<&str> {
        match &self.ast.operations {
            DocumentOperations::Multiple(all) if all.len() == 1 => all.keys().next().map(Name::as_str),
            _ => None,
        }
    }

    /// The plan of an operation with these variables, made by `make` if it is not cached.
    pub fn plan(
        &self,
        operation: Option<&str>,
        variables: &coerce::Variables,
        make: impl FnOnce() -> Result<Plan, ApiError>,
    ) -> Result<Arc<Plan>, ApiError> {
        let chosen = self
            .deciding
            .iter()
            .map(|name| variables.get(name.as_str()) == Some(&async_graphql::Value::Boolean(true)));
        let key = (operation.map(ToOwned::to_owned), chosen.collect());
        if let Some(plan) = lock(&self.plans).get(&key) {
            return Ok(plan.clone());
        }
        let plan = Arc::new(make()?);
        let mut plans = lock(&self.plans);
        if plans.len() < PLANS_KEPT {
            plans.insert(key, plan.clone());
        }
        Ok(plan)
    }
}

/// Cached and trusted documents.
pub struct Documents {
    schema: Schema,
    limits: Limits,
    /// Whether errors suggest similar names.
    suggestions: bool,
    /// Names of fields that differ per caller.
    personal: Vec<&'static str>,
    /// Names of fields that depend on the client's languages, with the argument that says others.
    localized: Vec<(&'static str, &'static str)>,
    cached: DocumentCache,
    /// Persisted queries, by hash.
    persisted: DocumentCache,
    trusted: HashMap<String, Arc<Document>>,
    only_trusted: bool,
}

impl Documents {
    pub fn new(schema: Schema, limits: Limits, suggestions: bool, catalog: &Catalog) -> Self {
        let (personal, localized) = (catalog.per_caller().collect(), catalog.per_language().collect());
        let (cached, persisted) = (DocumentCache::new(), DocumentCache::new());
        let (trusted, only_trusted) = (HashMap::new(), false);
        Documents {
            schema,
            limits,
            suggestions,
            personal,
            localized,
            cached,
            persisted,
            trusted,
            only_trusted,
        }
    }

    /// Trusts documents by their ids; with `only`, refuses all others. Fails if one is invalid.
    pub fn trust(&mut self, manifest: Vec<(String, String)>, only: bool) -> Result<(), Vec<ApiError>> {
        self.only_trusted = only;
        for (id, text) in manifest {
            let document = self.read(&text).map_err(|mut api_errors| {
                for api_error in &mut api_errors {
                    api_error.message = format!("{id}: {}", api_error.message);
                }
                api_errors
            })?;
            self.trusted.insert(hash(&text), document.clone());
            self.trusted.insert(id, document);
        }
        Ok(())
    }

    /// The document of a request: by text, by id, or by text and hash, which then persists it.
    pub fn find(
        &self,
        text: Option<&str>,
        named: Option<&DocumentName>,
    ) -> Result<Arc<Document>, Vec<ApiError>> {
        let id = named.map(|named| named.name.as_str());
        if let Some(trusted) = id.and_then(|id| self.trusted.get(id)) {
            return Ok(trusted.clone());
        }
        if self.only_trusted {
            let trusted = text.and_then(|text| self.trusted.get(&hash(text)));
            let api_error = || ApiError::new(Code::Forbidden, "This server accepts trusted documents only.");
            return trusted.cloned().ok_or_else(|| vec![api_error()]);
        }
        match (text, id) {
            (Some(text), None) => self.get(text),
            (Some(text), Some(id)) if hash(text) == id => {
                let document = self.get(text)?;
                self.persisted.put(id, document.clone(), text.len());
                Ok(document)
            }
            (Some(_), Some(_)) => {
                let parameter = named.map_or("query", |named| named.parameter);
                let message =
                    format!("`{parameter}` is neither the id of a trusted document nor the hash of `query`.");
                Err(vec![ApiError::bad_input(parameter, message)])
            }
            (None, Some(id)) => self.persisted.get(id).ok_or_else(|| {
                // Clients expect this message before they send the text.
                vec![ApiError::new(Code::PersistedQueryNotFound, "PersistedQueryNotFound")]
            }),
            (None, None) => Err(vec![ApiError::bad_input(
                "query",
                "The parameter `query` must contain a GraphQL document.",
            )]),
        }
    }

    /// The document of a text; fails if it is too large, not GraphQL or invalid.
    fn get(&self, text: &str) -> Result<Arc<Document>, Vec<ApiError>> {
        if let Some(document) = self.cached.get(text) {
            return Ok(document);
        }
        let document = self.read(text)?;
        if text.len() <= LONGEST_KEPT {
            self.cached.put(text, document.clone(), text.len());
        }
        Ok(document)
    }

    fn read(&self, text: &str) -> Result<Arc<Document>, Vec<ApiError>> {
        let Parsed { mut ast, repeated } = self.parse(text).map_err(|api_error| vec![api_error])?;
        let mut api_errors = repeated;
        api_errors.extend(validation::check(self.schema.registry(), self.suggestions, &mut ast));
        if !api_errors.is_empty() {
            return Err(api_errors);
        }
        let is_personal = |field: &Field| self.personal.contains(&field.name.node.as_str());
        let personal = selections(&ast).any(|set| selects(set, &is_personal));
        let is_localized = |field: &Field| {
            let takes = |(name, argument): &(&str, &str)| {
                // A variable may be null.
                let is_given = field
                    .get_argument(argument)
                    .is_some_and(|value| matches!(value.node, Literal::List(_) | Literal::String(_)));
                field.name.node == *name && !is_given
            };
            self.localized.iter().any(takes)
        };
        let localized = selections(&ast).any(|set| selects(set, &is_localized));
        Ok(Arc::new(Document { personal, localized, ..Document::of(ast, text) }))
    }

    fn parse(&self, text: &str) -> Result<Parsed, ApiError> {
        self.limits.check_text(text)?;
        let parsed = syntax::parse(text)?;
        self.limits.check_document(&parsed.ast)?;
        Ok(parsed)
    }
}

/// The hash of a persisted query.
fn hash(text: &str) -> String {
    format!("{:x}", Sha256::digest(text))
}

/// The selections of all operations and fragments.
fn selections(ast: &ExecutableDocument) -> impl Iterator<Item = &SelectionSet> {
    let operations = ast.operations.iter().map(|(_, operation)| &operation.node.selection_set.node);
    operations.chain(ast.fragments.values().map(|fragment| &fragment.node.selection_set.node))
}

/// Whether a selection contains such a field.
fn selects(set: &SelectionSet, is_such: &impl Fn(&Field) -> bool) -> bool {
    set.items.iter().any(|selection| match &selection.node {
        Selection::Field(field) => is_such(&field.node) || selects(&field.node.selection_set.node, is_such),
        Selection::InlineFragment(inline) => selects(&inline.node.selection_set.node, is_such),
        Selection::FragmentSpread(_) => false,
    })
}

fn deciding_variables(ast: &ExecutableDocument) -> BTreeSet<String> {
    let mut deciding = BTreeSet::new();
    selections(ast).for_each(|set| collect_deciding(set, &mut deciding));
    deciding
}

fn collect_deciding(set: &SelectionSet, deciding: &mut BTreeSet<String>) {
    for selection in &set.items {
        for Directive { arguments, .. } in selection.node.directives().iter().map(|directive| &directive.node)
        {
            for (_, value) in arguments {
                if let Literal::Variable(name) = &value.node {
                    deciding.insert(name.to_string());
                }
            }
        }
        match &selection.node {
            Selection::Field(field) => collect_deciding(&field.node.selection_set.node, deciding),
            Selection::InlineFragment(inline) => collect_deciding(&inline.node.selection_set.node, deciding),
            Selection::FragmentSpread(_) => {}
        }
    }
}
