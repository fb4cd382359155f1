//! Size limits of documents. Both checks are linear in the size of the text, even if fragments expand to much more.
//! Validation and planning are not linear, so they run later.

use std::collections::HashMap;

use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};

use crate::error::{ApiError, Code};

#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Lexical tokens.
    pub tokens: usize,
    /// Nesting depth, with fragments expanded.
    pub depth: usize,
    /// Aliases, with fragments expanded.
    pub aliases: usize,
}

/// Maximum number of expanded selections per allowed token.
const EXPANSION: usize = 4;
/// Maximum number of root fields of an operation, with fragments expanded.
const ROOT_FIELDS: usize = 100;
/// Maximum number of directives of a document, with fragments expanded.
const DIRECTIVES: usize = 100;

impl Limits {
    /// Refuses a text with too many tokens without parsing it.
    pub fn check_text(&self, text: &str) -> Result<(), ApiError> {
        let tokens = count_tokens(text);
        if tokens > self.tokens { Err(ApiError::beyond("tokens", self.tokens, tokens)) } else { Ok(()) }
    }

    /// Refuses a document that expands to too much.
    pub fn check_document(&self, document: &ExecutableDocument) -> Result<(), ApiError> {
        let mut fragments = Fragments { document, known: HashMap::new() };
        let mut total = Size::default();
        let mut root_fields = 0;
        for (_, operation) in document.operations.iter() {
            let size = fragments.size(&operation.node.selection_set.node)?;
            root_fields = size.fields.max(root_fields);
            total = total.plus(size);
            total.directives = total.directives.saturating_add(operation.node.directives.len());
        }
        let selections = self.tokens.saturating_mul(EXPANSION);
        for (what, limit, value) in [
            ("selections once its fragments are expanded", selections, total.selections),
            ("levels of nested fields", self.depth, total.depth),
            ("root fields", ROOT_FIELDS, root_fields),
            ("directives", DIRECTIVES, total.directives),
            ("aliases", self.aliases, total.aliases),
        ] {
            if value > limit {
                return Err(ApiError::beyond(what, limit, value));
            }
        }
        Ok(())
    }
}

/// The size of a selection with its fragments expanded.
#[derive(Clone, Copy, Default)]
struct Size {
    selections: usize,
    /// On the outermost level only.
    fields: usize,
    aliases: usize,
    directives: usize,
    depth: usize,
}

impl Size {
    fn plus(self, other: Size) -> Size {
        Size {
            selections: self.selections.saturating_add(other.selections),
            fields: self.fields.saturating_add(other.fields),
            aliases: self.aliases.saturating_add(other.aliases),
            directives: self.directives.saturating_add(other.directives),
            depth: self.depth.max(other.depth),
        }
    }
}

/// The sizes of fragments, each computed once; none while it is being computed.
struct Fragments<'a> {
    document: &'a ExecutableDocument,
    known: HashMap<&'a str, Option<Size>>,
}

impl<'a> Fragments<'a> {
    fn size(&mut self, set: &'a SelectionSet) -> Result<Size, ApiError> {
        let mut total = Size::default();
        for selection in &set.items {
            let mut size = match &selection.node {
                Selection::Field(field) => {
                    let inner = self.size(&field.node.selection_set.node)?;
                    Size {
                        selections: inner.selections.saturating_add(1),
                        fields: 1,
                        directives: inner.directives,
                        aliases: inner.aliases.saturating_add(usize::from(field.node.alias.is_some())),
                        depth: inner.depth + 1,
                    }
                }
                Selection::InlineFragment(inline) => self.size(&inline.node.selection_set.node)?,
                Selection::FragmentSpread(spread) => self.fragment(&spread.node.fragment_name.node)?,
            };
            size.directives = size.directives.saturating_add(selection.node.directives().len());
            total = total.plus(size);
        }
        Ok(total)
    }

    fn fragment(&mut self, name: &'a str) -> Result<Size, ApiError> {
        match self.known.get(name) {
            Some(Some(size)) => return Ok(*size),
            Some(None) => {
                let message = format!("The fragment `{name}` contains itself.");
                return Err(ApiError::new(Code::GraphqlValidationFailed, message));
            }
            None => {}
        }
        // Validation reports missing fragments.
        let Some(fragment) = self.document.fragments.get(name) else { return Ok(Size::default()) };
        self.known.insert(name, None);
        let size = self.size(&fragment.node.selection_set.node)?;
        self.known.insert(name, Some(size));
        Ok(size)
    }
}

fn count_tokens(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut count = 0;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' | b',' => at += 1,
            b'#' => {
                at += bytes[at..]
                    .iter()
                    .position(|byte| matches!(byte, b'\n' | b'\r'))
                    .unwrap_or(bytes.len() - at);
            }
            b'"' => {
                at = end_of_string(bytes, at);
                count += 1;
            }
            _ => {
                at += length_of_token(&bytes[at..]);
                count += 1;
            }
        }
    }
    count
}

/// The length of a name, a number, a spread or a punctuator.
fn length_of_token(bytes: &[u8]) -> usize {
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let run = |holds: &dyn Fn(&u8) -> bool| bytes.iter().position(|byte| !holds(byte)).unwrap_or(bytes.len());
    match bytes[0] {
        b'0'..=b'9' | b'-' => run(&|byte| is_letter(byte) || b"+-.".contains(byte)),
        byte if is_letter(&byte) => run(&is_letter),
        _ if bytes.starts_with(b"...") => 3,
        _ => 1,
    }
}

fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let block = bytes[start..].starts_with(b"\"\"\"");
    let (quote, escaped): (&[u8], &[u8]) = if block { (b"\"\"\"", b"\\\"\"\"") } else { (b"\"", b"\\\"") };
    let mut at = start + quote.len();
    while at < bytes.len() {
        if bytes[at..].starts_with(quote) {
            return at + quote.len();
        }
        let escape = if !block && bytes[at] == b'\\' { 2 } else { 1 };
        at += if bytes[at..].starts_with(escaped) { escaped.len() } else { escape };
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::{super::syntax::parse, *};

    const LIMITS: Limits = Limits { tokens: 100, depth: 5, aliases: 3 };

    #[test]
    fn tokens_are_counted_as_graphql_does() {
        assert_eq!(count_tokens("{ a(b: \"x \\\" y\", c: [1, -2]) # { comment }\n ...F }"), 16);
        assert_eq!(count_tokens("\"\"\"block \\\"\"\" \" still\"\"\" x"), 2);
        assert_eq!(count_tokens("\"never closed"), 1);
        assert_eq!(count_tokens(""), 0);
    }

    #[test]
    fn a_fragment_bomb_is_refused_by_its_expanded_size() {
        let bomb: String = (0..20).fold("{ ...F0 } fragment F20 on Query { node }".into(), |text, level| {
            format!("{text} fragment F{level} on Query {{ ...F{next} ...F{next} }}", next = level + 1)
        });
        let limits = Limits { tokens: 1000, ..LIMITS };
        let api_error = limits.check_document(&parse(&bomb).unwrap().ast).unwrap_err();
        assert_eq!(api_error.code, Code::LimitExceeded);
        assert_eq!(api_error.limit, Some((4000, 1 << 20)));
    }

    #[test]
    fn a_fragment_that_contains_itself_is_refused() {
        let text = "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }";
        assert_eq!(
            LIMITS.check_document(&parse(text).unwrap().ast).unwrap_err().code,
            Code::GraphqlValidationFailed
        );
    }

    #[test]
    fn depth_and_aliases_have_limits() {
        let check = |text: &str| LIMITS.check_document(&parse(text).unwrap().ast);
        assert!(check("{ a { b { c { d { e } } } } }").is_ok());
        assert!(check("{ a { b { c { d { e { f } } } } } }").is_err());
        assert!(check("{ a: x b: x c: x }").is_ok());
        assert!(check("{ a: x b: x c: x d: x }").is_err());
        let many = |part: &str| format!("{{ {} }}", part.repeat(101));
        assert_eq!(check(&many("x ")).unwrap_err().limit, Some((100, 101)));
        assert_eq!(
            check(&format!("{{ a {} }}", many("x @skip(if: true) "))).unwrap_err().limit,
            Some((100, 101))
        );
    }
}
