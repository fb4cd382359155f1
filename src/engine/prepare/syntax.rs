//! A parser of GraphQL (September 2025) that builds `async-graphql`'s tree. The library's own parser supports neither
//! descriptions of operations nor `\u{…}`, and its messages name rules of its grammar. One pass, linear in the text,
//! with bounded depth.

use std::{
    borrow::Cow,
    collections::{HashMap, hash_map},
};

use async_graphql::{
    Name, Pos, Positioned,
    parser::types::{
        BaseType, Directive, DocumentOperations, ExecutableDocument, Field, FragmentDefinition,
        FragmentSpread, InlineFragment, OperationDefinition, OperationType, Selection, SelectionSet, Type,
        TypeCondition, VariableDefinition,
    },
};
use async_graphql_value::{ConstValue, Value as Literal};
use indexmap::{IndexMap, map::Entry};

use crate::error::{ApiError, Code};

/// Maximum nesting of brackets: more than requests need, and less than the stack allows.
const NESTING: usize = 128;
/// Maximum number of a token's characters in a message.
const SHOWN: usize = 40;

/// A document, and the duplicate names in it, which the tree can't represent. They are validation errors, not syntax
/// errors.
pub struct Parsed {
    pub ast: ExecutableDocument,
    pub repeated: Vec<ApiError>,
}

pub fn parse(text: &str) -> Result<Parsed, ApiError> {
    let mut lexer = Lexer { text, at: 0, counted: 0, pos: Pos { line: 1, column: 1 } };
    let token = lexer.next()?;
    Parser { lexer, token, nesting: 0, repeated: Vec::new() }.document()
}

/// A validation error.
pub fn invalid(pos: Pos, message: impl Into<String>) -> ApiError {
    ApiError {
        locations: vec![(pos.line, pos.column)],
        ..ApiError::new(Code::GraphqlValidationFailed, message)
    }
}

fn error(pos: Pos, message: &str) -> ApiError {
    ApiError {
        locations: vec![(pos.line, pos.column)],
        ..ApiError::new(Code::GraphqlParseFailed, format!("Syntax error: {message}."))
    }
}

#[derive(Clone, Debug)]
struct Token<'a> {
    kind: Kind<'a>,
    pos: Pos,
}

#[derive(Clone, Debug, PartialEq)]
enum Kind<'a> {
    /// `{`, `}`, `...` and the others.
    Sign(&'a str),
    Name(&'a str),
    Number(&'a str),
    Text(String),
    End,
}

impl Kind<'_> {
    fn described(&self) -> Cow<'static, str> {
        match self {
            Kind::Sign(text) | Kind::Name(text) | Kind::Number(text) => {
                let end = text.floor_char_boundary(SHOWN);
                let more = if end < text.len() { "…" } else { "" };
                format!("`{}{more}`", &text[..end]).into()
            }
            Kind::Text(_) => "a string".into(),
            Kind::End => "the end of the document".into(),
        }
    }
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    /// The line and column of `pos`.
    counted: usize,
    pos: Pos,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// The line and column of an offset, which must not be before the previous one.
    fn position(&mut self, at: usize) -> Pos {
        let bytes = self.text.as_bytes();
        for index in self.counted..at {
            match bytes[index] {
                b'\n' => self.pos = Pos { line: self.pos.line + 1, column: 1 },
                b'\r' if bytes.get(index + 1) != Some(&b'\n') => {
                    self.pos = Pos { line: self.pos.line + 1, column: 1 };
                }
                // The first byte of a character.
                byte if byte & 0xc0 != 0x80 => self.pos.column += 1,
                _ => {}
            }
        }
        self.counted = at.max(self.counted);
        self.pos
    }

    fn error<T>(&mut self, at: usize, message: &str) -> Result<T, ApiError> {
        Err(error(self.position(at), message))
    }

    fn skip_ignored(&mut self) {
        loop {
            let rest = self.rest().trim_start_matches([' ', '\t', '\n', '\r', ',', '\u{feff}']);
            self.at = self.text.len() - rest.len();
            if !rest.starts_with('#') {
                return;
            }
            self.at += rest.find(['\n', '\r']).unwrap_or(rest.len());
        }
    }

    fn next(&mut self) -> Result<Token<'a>, ApiError> {
        self.skip_ignored();
        let pos = self.position(self.at);
        let rest = self.rest();
        let kind = match rest.bytes().next() {
            None => Kind::End,
            Some(b'"') if rest.starts_with("\"\"\"") => Kind::Text(self.block_string()?),
            Some(b'"') => Kind::Text(self.string()?),
            Some(b'0'..=b'9' | b'-') => self.number()?,
            Some(first) if is_name_start(first) => {
                let end = rest.bytes().position(|byte| !is_name(byte)).unwrap_or(rest.len());
                self.at += end;
                Kind::Name(&rest[..end])
            }
            Some(
                b'!' | b'$' | b'&' | b'(' | b')' | b':' | b'=' | b'@' | b'[' | b']' | b'{' | b'|' | b'}',
            ) => {
                self.at += 1;
                Kind::Sign(&rest[..1])
            }
            Some(b'.') if rest.starts_with("...") => {
                self.at += 3;
                Kind::Sign(&rest[..3])
            }
            Some(_) => {
                let invalid = rest.chars().next().unwrap_or_default();
                return self
                    .error(self.at, &format!("the character {} has no meaning here", display(invalid)));
            }
        };
        Ok(Token { kind, pos })
    }

    fn number(&mut self) -> Result<Kind<'a>, ApiError> {
        let text = self.rest();
        match length_of_number(text.as_bytes()) {
            Ok(length) => {
                self.at += length;
                Ok(Kind::Number(&text[..length]))
            }
            Err(invalid) => self.error(self.at + invalid, "this is not a number"),
        }
    }

    fn string(&mut self) -> Result<String, ApiError> {
        self.at += 1;
        let mut value = String::new();
        loop {
            let rest = self.rest();
            let plain = rest.find(['"', '\\', '\n', '\r']).unwrap_or(rest.len());
            value.push_str(&rest[..plain]);
            self.at += plain;
            match rest[plain..].bytes().next() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(value);
                }
                Some(b'\\') => value.push(self.escape()?),
                _ => return self.error(self.at, "unterminated string"),
            }
        }
    }

    fn escape(&mut self) -> Result<char, ApiError> {
        let start = self.at;
        let escaped = self.rest().as_bytes().get(1);
        self.at += 2;
        Ok(match escaped {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => match self.unicode() {
                Some(character) => character,
                None => return self.error(start, "this escape is no character of Unicode"),
            },
            _ => return self.error(start, "there is no such escape; a backslash is written `\\\\`"),
        })
    }

    /// A character after `\u`: four digits, any number of digits in braces, or two surrogates.
    fn unicode(&mut self) -> Option<char> {
        if let Some(braced) = self.rest().strip_prefix('{') {
            let digits = &braced[..braced.find('}')?];
            self.at += digits.len() + 2;
            return char::from_u32(hexadecimal(digits)?);
        }
        let unit = self.unit()?;
        if let Some(character) = char::from_u32(unit) {
            return Some(character);
        }
        if !self.rest().starts_with("\\u") {
            return None;
        }
        self.at += 2;
        let low = self.unit().filter(|_| unit < 0xdc00)?;
        (0xdc00..0xe000).contains(&low).then_some(())?;
        char::from_u32(0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00))
    }

    fn unit(&mut self) -> Option<u32> {
        let digits = self.rest().get(..4)?;
        self.at += 4;
        hexadecimal(digits)
    }

    fn block_string(&mut self) -> Result<String, ApiError> {
        self.at += 3;
        let mut raw = String::new();
        loop {
            let rest = self.rest();
            let Some(quotes) = rest.find("\"\"\"") else {
                return self.error(self.text.len(), "unterminated string");
            };
            self.at += quotes + 3;
            match rest[..quotes].strip_suffix('\\') {
                Some(text) => {
                    raw.push_str(text);
                    raw.push_str("\"\"\"");
                }
                None => {
                    raw.push_str(&rest[..quotes]);
                    return Ok(without_indent(&raw));
                }
            }
        }
    }
}

/// The length of the number at the start, or the offset of the error in it.
fn length_of_number(bytes: &[u8]) -> Result<usize, usize> {
    let digits = |from: usize| match bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count() {
        0 => Err(from),
        length => Ok(from + length),
    };
    let start = usize::from(bytes[0] == b'-');
    let mut end = digits(start)?;
    if bytes[start] == b'0' && end > start + 1 {
        return Err(start + 1);
    }
    if bytes.get(end) == Some(&b'.') {
        end = digits(end + 1)?;
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        end = digits(end + 1 + usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-'))))?;
    }
    match bytes.get(end) {
        Some(byte) if is_name_start(*byte) || *byte == b'.' => Err(end),
        _ => Ok(end),
    }
}

fn is_name_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn display(character: char) -> String {
    if character.is_control() { format!("U+{:04X}", u32::from(character)) } else { format!("`{character}`") }
}

/// A hexadecimal number of digits only, without a sign.
fn hexadecimal(digits: &str) -> Option<u32> {
    let digits_only = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    digits_only.then(|| u32::from_str_radix(digits, 16).ok())?
}

/// A block string without its common indent and its outer blank lines.
fn without_indent(raw: &str) -> String {
    let normal = raw.replace("\r\n", "\n");
    let lines: Vec<&str> = normal.split(['\n', '\r']).collect();
    let indent = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let is_blank = |line: &&str| indent(line) == line.len();
    let common =
        lines.iter().skip(1).filter(|line| !is_blank(line)).map(|line| indent(line)).min().unwrap_or(0);
    let first = lines.iter().position(|line| !is_blank(line)).unwrap_or(lines.len());
    let end = lines.iter().rposition(|line| !is_blank(line)).map_or(first, |last| last + 1);
    let text = |(number, line): (usize, &&'_ str)| {
        if number == 0 { (*line).to_owned() } else { line.get(common..).unwrap_or_default().to_owned() }
    };
    lines.iter().enumerate().take(end).skip(first).map(text).collect::<Vec<_>>().join("\n")
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    token: Token<'a>,
    nesting: usize,
    repeated: Vec<ApiError>,
}

type Arguments = Vec<(Positioned<Name>, Positioned<Literal>)>;

impl Parser<'_> {
    fn document(mut self) -> Result<Parsed, ApiError> {
        let mut operations: HashMap<Name, Positioned<OperationDefinition>> = HashMap::new();
        let mut fragments = HashMap::new();
        let mut anonymous = None;
        loop {
            let described = self.description()?;
            let pos = self.token.pos;
            match self.token.kind {
                Kind::Sign("{") if described.is_none() => {
                    let selection_set = self.selection_set()?;
                    let (variable_definitions, directives) = (Vec::new(), Vec::new());
                    let ty = OperationType::Query;
                    let operation =
                        OperationDefinition { ty, variable_definitions, directives, selection_set };
                    self.take_anonymous(&mut anonymous, Positioned::new(operation, pos));
                }
                Kind::Name(keyword @ ("query" | "mutation" | "subscription")) => {
                    let (name, operation) = self.operation(keyword)?;
                    let operation = Positioned::new(operation, pos);
                    match name {
                        None => self.take_anonymous(&mut anonymous, operation),
                        Some(name) => self.insert_unique(&mut operations, "operation", name, operation),
                    }
                }
                Kind::Name("fragment") => {
                    let (name, fragment) = self.fragment()?;
                    self.insert_unique(&mut fragments, "fragment", name, Positioned::new(fragment, pos));
                }
                Kind::Sign("{") => {
                    let described = described.unwrap_or(pos);
                    return Err(error(described, "an operation without a keyword takes no description"));
                }
                _ => return self.expected("an operation or a fragment"),
            }
            if self.token.kind == Kind::End {
                break;
            }
        }
        let operations = match anonymous {
            Some(only) if operations.is_empty() => DocumentOperations::Single(only),
            Some(Positioned { pos, .. }) => {
                let message = "An operation without a name must be the only one of its document.";
                self.repeated.push(invalid(pos, message));
                DocumentOperations::Multiple(operations)
            }
            None => DocumentOperations::Multiple(operations),
        };
        Ok(Parsed { ast: ExecutableDocument { operations, fragments }, repeated: self.repeated })
    }

    /// Skips a description, and returns its position.
    fn description(&mut self) -> Result<Option<Pos>, ApiError> {
        let pos = self.token.pos;
        if !matches!(self.token.kind, Kind::Text(_)) {
            return Ok(None);
        }
        self.advance()?;
        Ok(Some(pos))
    }

    fn take_anonymous(
        &mut self,
        anonymous: &mut Option<Positioned<OperationDefinition>>,
        operation: Positioned<OperationDefinition>,
    ) {
        if anonymous.is_some() {
            let message = "An operation without a name must be the only one of its document.";
            self.repeated.push(invalid(operation.pos, message));
        } else {
            *anonymous = Some(operation);
        }
    }

    fn insert_unique<T>(
        &mut self,
        definitions: &mut HashMap<Name, T>,
        what: &str,
        name: Positioned<Name>,
        definition: T,
    ) {
        match definitions.entry(name.node) {
            hash_map::Entry::Vacant(entry) => {
                entry.insert(definition);
            }
            hash_map::Entry::Occupied(entry) => {
                let message = format!("There is more than one {what} named `{}`.", entry.key());
                self.repeated.push(invalid(name.pos, message));
            }
        }
    }

    fn operation(
        &mut self,
        keyword: &str,
    ) -> Result<(Option<Positioned<Name>>, OperationDefinition), ApiError> {
        self.advance()?;
        let ty = match keyword {
            "mutation" => OperationType::Mutation,
            "subscription" => OperationType::Subscription,
            _ => OperationType::Query,
        };
        let name = if matches!(self.token.kind, Kind::Name(_)) { Some(self.name()?) } else { None };
        let mut variable_definitions = Vec::new();
        if self.is("(") {
            self.between(["(", ")"], Some("a variable"), |parser| {
                variable_definitions.push(parser.variable_definition()?);
                Ok(())
            })?;
        }
        let directives = self.directives(false)?;
        let selection_set = self.selection_set()?;
        Ok((name, OperationDefinition { ty, variable_definitions, directives, selection_set }))
    }

    fn variable_definition(&mut self) -> Result<Positioned<VariableDefinition>, ApiError> {
        self.description()?;
        let pos = self.token.pos;
        if !self.is("$") {
            return self.expected("a variable or `)`");
        }
        self.advance()?;
        let name = self.name()?;
        self.sign(":")?;
        let type_pos = self.token.pos;
        let var_type = Positioned::new(self.ty()?, type_pos);
        let mut default_value = None;
        if self.is("=") {
            self.advance()?;
            let pos = self.token.pos;
            let constant = self.value(true)?.into_const().unwrap_or(ConstValue::Null);
            default_value = Some(Positioned::new(constant, pos));
        }
        let directives = self.directives(true)?;
        Ok(Positioned::new(VariableDefinition { name, var_type, directives, default_value }, pos))
    }

    fn ty(&mut self) -> Result<Type, ApiError> {
        let base = if self.is("[") {
            let inner = self.within("[", |parser| {
                parser.advance()?;
                parser.ty()
            })?;
            self.sign("]")?;
            BaseType::List(Box::new(inner))
        } else if let Kind::Name(_) = self.token.kind {
            BaseType::Named(self.name()?.node)
        } else {
            return self.expected("a type");
        };
        let nullable = !self.is("!");
        if !nullable {
            self.advance()?;
        }
        Ok(Type { base, nullable })
    }

    fn fragment(&mut self) -> Result<(Positioned<Name>, FragmentDefinition), ApiError> {
        self.advance()?;
        if self.token.kind == Kind::Name("on") {
            return self.expected("the fragment's name");
        }
        let name = self.name()?;
        if self.token.kind != Kind::Name("on") {
            return self.expected("`on`");
        }
        let type_condition = self.type_condition()?;
        let directives = self.directives(false)?;
        let selection_set = self.selection_set()?;
        Ok((name, FragmentDefinition { type_condition, directives, selection_set }))
    }

    fn type_condition(&mut self) -> Result<Positioned<TypeCondition>, ApiError> {
        let pos = self.token.pos;
        self.advance()?;
        Ok(Positioned::new(TypeCondition { on: self.name()? }, pos))
    }

    fn selection_set(&mut self) -> Result<Positioned<SelectionSet>, ApiError> {
        let pos = self.token.pos;
        let mut items = Vec::new();
        self.between(["{", "}"], Some("a field"), |parser| {
            items.push(parser.selection()?);
            Ok(())
        })?;
        Ok(Positioned::new(SelectionSet { items }, pos))
    }

    fn selection(&mut self) -> Result<Positioned<Selection>, ApiError> {
        let pos = self.token.pos;
        let selection = match self.token.kind {
            Kind::Name(_) => Selection::Field(Positioned::new(self.field()?, pos)),
            Kind::Sign("...") => {
                self.advance()?;
                match self.token.kind {
                    Kind::Name(name) if name != "on" => {
                        let (fragment_name, directives) = (self.name()?, self.directives(false)?);
                        let spread = FragmentSpread { fragment_name, directives };
                        Selection::FragmentSpread(Positioned::new(spread, pos))
                    }
                    Kind::Name(_) | Kind::Sign("@" | "{") => {
                        let is_typed = matches!(self.token.kind, Kind::Name(_));
                        let type_condition = if is_typed { Some(self.type_condition()?) } else { None };
                        let directives = self.directives(false)?;
                        let selection_set = self.selection_set()?;
                        let inline = InlineFragment { type_condition, directives, selection_set };
                        Selection::InlineFragment(Positioned::new(inline, pos))
                    }
                    _ => return self.expected("the name of a fragment, `on` or `{`"),
                }
            }
            _ => return self.expected("a field, `...` or `}`"),
        };
        Ok(Positioned::new(selection, pos))
    }

    fn field(&mut self) -> Result<Field, ApiError> {
        let mut name = self.name()?;
        let mut alias = None;
        if self.is(":") {
            self.advance()?;
            alias = Some(std::mem::replace(&mut name, self.name()?));
        }
        let arguments = self.arguments(false)?;
        let directives = self.directives(false)?;
        let selection_set = if self.is("{") {
            self.selection_set()?
        } else {
            Positioned::new(SelectionSet::default(), name.pos)
        };
        Ok(Field { alias, name, arguments, directives, selection_set })
    }

    fn arguments(&mut self, constant: bool) -> Result<Arguments, ApiError> {
        let mut arguments = Vec::new();
        if self.is("(") {
            self.between(["(", ")"], Some("the name of an argument"), |parser| {
                let name = parser.name_of("the name of an argument or `)`")?;
                parser.sign(":")?;
                let pos = parser.token.pos;
                arguments.push((name, Positioned::new(parser.value(constant)?, pos)));
                Ok(())
            })?;
        }
        Ok(arguments)
    }

    fn directives(&mut self, constant: bool) -> Result<Vec<Positioned<Directive>>, ApiError> {
        let mut directives = Vec::new();
        while self.is("@") {
            let pos = self.token.pos;
            self.advance()?;
            let (name, arguments) = (self.name()?, self.arguments(constant)?);
            directives.push(Positioned::new(Directive { name, arguments }, pos));
        }
        Ok(directives)
    }

    fn value(&mut self, constant: bool) -> Result<Literal, ApiError> {
        let value = match &mut self.token.kind {
            Kind::Sign("[") => return self.list(constant),
            Kind::Sign("{") => return self.object(constant),
            Kind::Sign("$") if constant => return self.expected("a value without variables"),
            Kind::Sign("$") => {
                self.advance()?;
                return Ok(Literal::Variable(self.name()?.node));
            }
            // As an integer, which the syntax of JSON would not preserve.
            Kind::Number("-0") => Literal::Number(0.into()),
            Kind::Number(text) => match text.parse() {
                Ok(number) => Literal::Number(number),
                Err(_) => return Err(error(self.token.pos, "this number is too large")),
            },
            Kind::Text(text) => Literal::String(std::mem::take(text)),
            Kind::Name("true") => Literal::Boolean(true),
            Kind::Name("false") => Literal::Boolean(false),
            Kind::Name("null") => Literal::Null,
            Kind::Name(name) => Literal::Enum(Name::new(*name)),
            _ => return self.expected("a value"),
        };
        self.advance()?;
        Ok(value)
    }

    fn list(&mut self, constant: bool) -> Result<Literal, ApiError> {
        let mut items = Vec::new();
        self.between(["[", "]"], None, |parser| {
            items.push(parser.value(constant)?);
            Ok(())
        })?;
        Ok(Literal::List(items))
    }

    fn object(&mut self, constant: bool) -> Result<Literal, ApiError> {
        let mut fields = IndexMap::new();
        self.between(["{", "}"], None, |parser| {
            let name = parser.name_of("the name of a field or `}`")?;
            parser.sign(":")?;
            let value = parser.value(constant)?;
            match fields.entry(name.node) {
                Entry::Vacant(entry) => {
                    entry.insert(value);
                }
                Entry::Occupied(entry) => {
                    let message = format!("The field `{}` occurs twice in one value.", entry.key());
                    parser.repeated.push(invalid(name.pos, message));
                }
            }
            Ok(())
        })?;
        Ok(Literal::Object(fields))
    }

    /// The items between two brackets; if `needed` is set, at least one.
    fn between(
        &mut self,
        [open, close]: [&'static str; 2],
        needed: Option<&str>,
        mut one: impl FnMut(&mut Self) -> Result<(), ApiError>,
    ) -> Result<(), ApiError> {
        self.within(open, |parser| {
            parser.sign(open)?;
            if let Some(needed) = needed.filter(|_| parser.is(close)) {
                return parser.expected(needed);
            }
            while !parser.is(close) {
                one(parser)?;
            }
            parser.advance()
        })
    }

    /// Parses one level deeper.
    fn within<T>(
        &mut self,
        open: &'static str,
        read: impl FnOnce(&mut Self) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        if self.nesting == NESTING {
            let api_error = ApiError::beyond("brackets within brackets", NESTING, NESTING + 1);
            return if self.is(open) { Err(api_error) } else { self.expected(&format!("`{open}`")) };
        }
        self.nesting += 1;
        let read = read(self);
        self.nesting -= 1;
        read
    }

    fn name(&mut self) -> Result<Positioned<Name>, ApiError> {
        self.name_of("a name")
    }

    fn name_of(&mut self, what: &str) -> Result<Positioned<Name>, ApiError> {
        let Kind::Name(name) = self.token.kind else { return self.expected(what) };
        let name = Positioned::new(Name::new(name), self.token.pos);
        self.advance()?;
        Ok(name)
    }

    fn sign(&mut self, sign: &'static str) -> Result<(), ApiError> {
        if self.is(sign) { self.advance() } else { self.expected(&format!("`{sign}`")) }
    }

    fn is(&self, sign: &str) -> bool {
        matches!(self.token.kind, Kind::Sign(found) if found == sign)
    }

    fn advance(&mut self) -> Result<(), ApiError> {
        self.token = self.lexer.next()?;
        Ok(())
    }

    fn expected<T>(&self, what: &str) -> Result<T, ApiError> {
        let found = self.token.kind.described();
        Err(error(self.token.pos, &format!("expected {what}, found {found}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message_of(text: &str) -> (String, Vec<(usize, usize)>) {
        let api_error = parse(text).err().unwrap_or_else(|| panic!("{text} was read"));
        (api_error.message, api_error.locations)
    }

    /// The value of the argument `v` of the only field.
    fn value(literal: &str) -> Literal {
        let parsed = parse(&format!("{{ f(v: {literal}) }}"))
            .unwrap_or_else(|api_error| panic!("{literal}: {api_error:?}"));
        let DocumentOperations::Single(operation) = parsed.ast.operations else { panic!("one operation") };
        let Selection::Field(field) = &operation.node.selection_set.node.items[0].node else {
            panic!("a field")
        };
        field.node.arguments[0].1.node.clone()
    }

    #[test]
    fn a_syntax_error_has_a_message_and_a_position() {
        for (text, message, at) in [
            ("{ actors(first: 1 }", "expected the name of an argument or `)`, found `}`", (1, 19)),
            ("{ actors { name )", "expected a field, `...` or `}`, found `)`", (1, 17)),
            ("{ a", "expected a field, `...` or `}`, found the end of the document", (1, 4)),
            ("{ }", "expected a field, found `}`", (1, 3)),
            ("", "expected an operation or a fragment, found the end of the document", (1, 1)),
            ("{ a }\r\n\r\n  type B", "expected an operation or a fragment, found `type`", (3, 3)),
            ("query ($a: Int = $b) { a }", "expected a value without variables, found `$`", (1, 18)),
            ("fragment on on A { a }", "expected the fragment's name, found `on`", (1, 10)),
            ("{ a(b: 01) }", "this is not a number", (1, 9)),
            ("{ \"é\" ä }", "expected a field, `...` or `}`, found a string", (1, 3)),
            ("{ # é\n a(b: \"é\", c: ?) }", "the character `?` has no meaning here", (2, 15)),
            ("{ a(b: \"\n\") }", "unterminated string", (1, 9)),
            ("{ a(b: \"\\uD83D\") }", "this escape is no character of Unicode", (1, 9)),
            (" \"a\" { b }", "an operation without a keyword takes no description", (1, 2)),
        ] {
            assert_eq!(message_of(text), (format!("Syntax error: {message}."), vec![at]), "{text}");
        }
    }

    #[test]
    fn strings_are_read_with_all_their_escapes() {
        for (literal, expected) in [
            (r#""\u{1F600} \u{00e9}\u00E9""#, "😀 éé"),
            (r#""\uD83D\uDE00""#, "😀"),
            (r#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"),
            (r#""""#, ""),
            ("\"\"\"\n    a\n      b \\\"\"\" c\n\n    d\n  \"\"\"", "a\n  b \"\"\" c\n\nd"),
            ("\"\"\" a\r\n  b\r c\"\"\"", " a\n b\nc"),
            ("\"\"\"\"\"\"", ""),
        ] {
            assert_eq!(value(literal), Literal::String(expected.into()), "{literal}");
        }
        for invalid in [r"\u{}", r"\u{110000}", r"\u{D800}", r"\uD83D\n", r"\uDE00\uD83D", r"\u+123", r"\x"] {
            assert!(parse(&format!("{{ f(v: \"{invalid}\") }}")).is_err(), "{invalid}");
        }
    }

    #[test]
    fn a_value_that_begins_like_a_keyword_is_a_name() {
        assert_eq!(value("[trueish nullable]"), value("[trueish, nullable]"));
        assert!(matches!(value("nullable"), Literal::Enum(_)));
    }

    #[test]
    fn brackets_nest_so_deep_and_no_deeper() {
        let nested = |depth: usize| format!("{{ f(v: {}{}) }}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(&nested(NESTING - 2)).is_ok());
        assert_eq!(parse(&nested(100_000)).err().expect("refused").code, Code::LimitExceeded);
    }
}
