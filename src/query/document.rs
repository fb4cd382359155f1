//! Documents: guarded, parsed, validated, and kept by their text.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex},
};

use async_graphql::{
    Request,
    dynamic::Schema,
    parser::{
        parse_query,
        types::{
            Directive, DocumentOperations, ExecutableDocument, OperationDefinition, Selection, SelectionSet,
        },
    },
};
use async_graphql_value::{Name, Value as Literal};
use sha2::{Digest, Sha256};

use super::{coerce, document_cache::DocumentCache, guard::Limits, plan::Plan, subscription, usage};
use crate::{
    error::{Code, Refusal},
    sync::lock,
};

/// The longest text that a document is kept by.
const LONGEST_KEPT: usize = 16 * 1024;
/// Plans kept for one document: one for each operation and choice of `@skip` and `@include`.
const PLANS_KEPT: usize = 16;

/// A valid document, with the plans that were made of it.
pub struct Document {
    pub ast: ExecutableDocument,
    /// The digest of its text.
    pub digest: [u8; 32],
    /// Whether it may ask for what is another for everybody who asks.
    pub personal: bool,
    /// Variables that decide `@skip` and `@include`: a plan is made for each choice.
    deciding: BTreeSet<String>,
    plans: Mutex<HashMap<PlanKey, Arc<Plan>>>,
}

type PlanKey = (Option<String>, Vec<bool>);

impl Document {
    pub fn of(ast: ExecutableDocument, text: &str) -> Self {
        Document {
            digest: Sha256::digest(text).into(),
            personal: false,
            deciding: deciding_variables(&ast),
            ast,
            plans: Mutex::default(),
        }
    }

    /// The operation that a request names; the only one where it names none.
    pub fn operation(&self, name: Option<&str>) -> Result<&OperationDefinition, Refusal> {
        let operation = match (&self.ast.operations, name) {
            (DocumentOperations::Single(only), None) => Some(only),
            (DocumentOperations::Multiple(all), Some(name)) => all.get(name),
            (DocumentOperations::Multiple(all), None) if all.len() == 1 => all.values().next(),
            _ => None,
        };
        operation.map(|operation| &operation.node).ok_or_else(|| coerce::unknown_operation(name))
    }

    /// The name of its operation, where there is one operation alone.
    pub fn only_name(&self) -> Option<&str> {
        match &self.ast.operations {
            DocumentOperations::Multiple(all) if all.len() == 1 => all.keys().next().map(Name::as_str),
            _ => None,
        }
    }

    /// The plan of an operation under these variables, made by `make` where there is none yet.
    pub fn plan(
        &self,
        operation: Option<&str>,
        variables: &coerce::Variables,
        make: impl FnOnce() -> Result<Plan, Refusal>,
    ) -> Result<Arc<Plan>, Refusal> {
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

/// All documents seen lately, and those that are trusted.
pub struct Documents {
    schema: Schema,
    limits: Limits,
    /// Names of fields that are another for everybody who asks.
    personal: Vec<&'static str>,
    kept: DocumentCache,
    /// Documents that clients name by the hash of their text.
    persisted: DocumentCache,
    trusted: HashMap<String, Arc<Document>>,
    only_trusted: bool,
}

impl Documents {
    /// `schema` must stop after validation: it is never asked for data.
    pub fn new(schema: Schema, limits: Limits, personal: Vec<&'static str>) -> Self {
        let (kept, persisted) = (DocumentCache::new(), DocumentCache::new());
        Documents { schema, limits, personal, kept, persisted, trusted: HashMap::new(), only_trusted: false }
    }

    /// Trusts documents by their ids, and no others if `only`. One that is not valid is refused.
    pub async fn trust(&mut self, manifest: Vec<(String, String)>, only: bool) -> Result<(), Vec<Refusal>> {
        self.only_trusted = only;
        for (id, text) in manifest {
            let document = self.read(&text).await.map_err(|mut refusals| {
                for refusal in &mut refusals {
                    refusal.message = format!("{id}: {}", refusal.message);
                }
                refusals
            })?;
            self.trusted.insert(hash(&text), document.clone());
            self.trusted.insert(id, document);
        }
        Ok(())
    }

    /// The document that a request means, by its text, by its id, or by its text with its hash, by
    /// which it can be named from then on.
    pub async fn find(&self, text: Option<&str>, id: Option<&str>) -> Result<Arc<Document>, Vec<Refusal>> {
        if let Some(trusted) = id.and_then(|id| self.trusted.get(id)) {
            return Ok(trusted.clone());
        }
        if self.only_trusted {
            let trusted = text.and_then(|text| self.trusted.get(&hash(text)));
            let refusal =
                || Refusal::new(Code::Forbidden, "Only trusted documents are answered on this server.");
            return trusted.cloned().ok_or_else(|| vec![refusal()]);
        }
        match (text, id) {
            (Some(text), None) => self.get(text).await,
            (Some(text), Some(id)) if hash(text) == id => {
                let document = self.get(text).await?;
                self.persisted.put(id, document.clone(), text.len());
                Ok(document)
            }
            (Some(_), Some(_)) => Err(vec![Refusal::bad_input(
                "extensions.persistedQuery.sha256Hash",
                "The hash is not that of the document.",
            )]),
            (None, Some(id)) => self.persisted.get(id).ok_or_else(|| {
                // The wording that clients wait for, to send the text.
                vec![Refusal::new(Code::PersistedQueryNotFound, "PersistedQueryNotFound")]
            }),
            (None, None) => {
                Err(vec![Refusal::bad_input("query", "The parameter `query` must hold a GraphQL document.")])
            }
        }
    }

    /// The document of this text; a text that is too large, not GraphQL or not valid is refused.
    async fn get(&self, text: &str) -> Result<Arc<Document>, Vec<Refusal>> {
        if let Some(document) = self.kept.get(text) {
            return Ok(document);
        }
        let document = self.read(text).await?;
        if text.len() <= LONGEST_KEPT {
            self.kept.put(text, document.clone(), text.len());
        }
        Ok(document)
    }

    async fn read(&self, text: &str) -> Result<Arc<Document>, Vec<Refusal>> {
        let mut ast = self.parse(text).map_err(|refusal| vec![refusal])?;
        // A rare and large future: it stays out of the frequent one.
        Box::pin(self.validate(text, &ast)).await?;
        let mut misused = usage::check(self.schema.registry(), &mut ast);
        misused.extend(subscription::check(&ast));
        if !misused.is_empty() {
            return Err(misused);
        }
        let personal = selections(&ast).any(|set| asks(set, &self.personal));
        Ok(Arc::new(Document { personal, ..Document::of(ast, text) }))
    }

    fn parse(&self, text: &str) -> Result<ExecutableDocument, Refusal> {
        self.limits.check_text(text)?;
        let ast = parse_query(text).map_err(|error| Refusal {
            locations: error.positions().map(|at| (at.line, at.column)).collect(),
            ..Refusal::new(Code::GraphqlParseFailed, error.to_string())
        })?;
        self.limits.check_document(&ast)?;
        Ok(ast)
    }

    async fn validate(&self, text: &str, ast: &ExecutableDocument) -> Result<(), Vec<Refusal>> {
        let mut request = Request::new(text);
        if let DocumentOperations::Multiple(operations) = &ast.operations {
            request = request.operation_name(operations.keys().next().map_or("", |name| name.as_str()));
        }
        request.set_parsed_query(ast.clone());
        let response = self.schema.execute(request).await;
        let mut refusals: Vec<Refusal> = response.errors.into_iter().map(Refusal::from).collect();
        // Some are found on more than one way.
        refusals.dedup_by(|one, other| one.message == other.message && one.locations == other.locations);
        if refusals.is_empty() { Ok(()) } else { Err(refusals) }
    }
}

/// The hash by which clients name a document.
fn hash(text: &str) -> String {
    format!("{:x}", Sha256::digest(text))
}

/// The selections of all operations and fragments.
fn selections(ast: &ExecutableDocument) -> impl Iterator<Item = &SelectionSet> {
    let operations = ast.operations.iter().map(|(_, operation)| &operation.node.selection_set.node);
    operations.chain(ast.fragments.values().map(|fragment| &fragment.node.selection_set.node))
}

/// Whether a selection has a field of one of these names.
fn asks(set: &SelectionSet, names: &[&str]) -> bool {
    set.items.iter().any(|selection| match &selection.node {
        Selection::Field(field) => {
            names.contains(&field.node.name.node.as_str()) || asks(&field.node.selection_set.node, names)
        }
        Selection::InlineFragment(inline) => asks(&inline.node.selection_set.node, names),
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
