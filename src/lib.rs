//! Dossier: a GraphQL API for a political-analysis knowledge base.
