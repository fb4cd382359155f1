//! The name of an object type in the spellings of GraphQL and SQL, for types of one word and of several.

/// As a field or an argument: `peaceAgreement` of `PeaceAgreement`.
pub fn camel_case(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

/// As an object type: `PeaceAgreement` of `peaceAgreement`.
pub fn pascal_case(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// As a table or a column: `peace_agreement` of `PeaceAgreement`.
pub fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

/// As a value of an enumeration: `PEACE_AGREEMENT` of `PeaceAgreement`.
pub fn constant_case(name: &str) -> String {
    snake_case(name).to_uppercase()
}

/// The column that refers to a record of the type: `peace_agreement_id` of `PeaceAgreement`.
pub fn id_column(name: &str) -> String {
    snake_case(name) + "_id"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_one_word_and_of_several_have_every_spelling() {
        for (pascal, camel, snake, constant, column) in [
            ("Actor", "actor", "actor", "ACTOR", "actor_id"),
            ("PeaceAgreement", "peaceAgreement", "peace_agreement", "PEACE_AGREEMENT", "peace_agreement_id"),
        ] {
            assert_eq!(camel_case(pascal), camel);
            assert_eq!(pascal_case(camel), pascal);
            assert_eq!(snake_case(pascal), snake);
            assert_eq!(snake_case(camel), snake);
            assert_eq!(constant_case(pascal), constant);
            assert_eq!(id_column(pascal), column);
        }
    }
}
