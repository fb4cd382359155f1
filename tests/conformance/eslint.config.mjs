// The rules of @graphql-eslint for schemas and for Relay, all as errors.
import graphql from '@graphql-eslint/eslint-plugin';

const { configs, parser } = graphql;

export default [
  {
    files: ['**/*.graphql'],
    languageOptions: { parser, parserOptions: { graphQLConfig: { schema: 'schema.graphql' } } },
    plugins: { '@graphql-eslint': graphql },
    rules: {
      ...configs['flat/schema-recommended'].rules,
      ...configs['flat/schema-relay'].rules,

      // Descriptions are single sentences, and read best on the line above what they describe.
      '@graphql-eslint/description-style': ['error', { style: 'inline' }],

      '@graphql-eslint/require-description': ['error', {
        types: true,
        rootField: true,
        DirectiveDefinition: true,
        EnumValueDefinition: true,
        FieldDefinition: true,
        InputValueDefinition: true,
        // GraphQL's own directives: the library prints them, without descriptions of their arguments.
        ignoredSelectors: ['DirectiveDefinition[name.value=/^(deprecated|include|skip|specifiedBy)$/] > InputValueDefinition'],
      }],

      // What belongs to one record and is always read whole is a list, not a connection: an actor's
      // names, the changes of a revision, the targets of a commentary. So is `nodes(ids:)`, of Relay.
      '@graphql-eslint/relay-edge-types': ['error', { listTypeCanWrapOnlyEdgeType: false }],

      // Events share `eventType` with statements.
      '@graphql-eslint/no-typename-prefix': 'off',

      // What is found by a search or stands in a timeline is read from the best or the first on: there is
      // no use for the worst. All other connections page both ways.
      '@graphql-eslint/relay-arguments': ['error', { includeBoth: false }],

      // Pages, counts, computed values, payloads, and the values inside a record are no records and have no id.
      '@graphql-eslint/strict-id-in-types': ['error', {
        exceptions: {
          suffixes: ['Connection', 'Edge', 'Facet', 'Facets', 'Group', 'Payload'],
          types: [
            'ActorIdentifier', 'ActorLink', 'ActorName', 'EvidenceItem', 'MergedActor', 'Origin', 'SourceText', 'WholeText',
            'CitedPassage', 'SourceCoverage', 'SourcePassage', 'Count', 'FieldChange', 'PageInfo', 'RateLimit', 'UserError', 'Viewer', 'Change',
            'ActorMatch', 'ActorMatches', 'Highlight', 'HighlightPart', 'SearchCount', 'Suggestion',
            'Network', 'NetworkNode', 'Path', 'PathStep',
            'Disagreement', 'StanceChange', 'StanceHistory', 'Standing', 'Corroboration',
            'StanceMatrix', 'StanceCell', 'TimelineDensity', 'LocalizedText', 'Translation', 'TopicIdentifier', 'TopicName',
          ],
        },
      }],
    },
  },
];
