import {
  type DocumentNode, type FieldNode, type FragmentDefinitionNode, getDirectiveValues, GraphQLIncludeDirective, type GraphQLObjectType, type GraphQLSchema,
  GraphQLSkipDirective, isAbstractType, Kind, type SelectionNode, type SelectionSetNode, visit,
} from 'graphql';

export type Fragments = Readonly<Record<string, FragmentDefinitionNode>>;
export type Variables = Readonly<Record<string, unknown>>;

/** Names of the variables that decide over @skip and @include anywhere in a document. */
export function conditionVariables(document: DocumentNode): string[] {
  const names = new Set<string>();
  visit(document, {
    Directive({ name, arguments: given }) {
      if (name.value !== 'skip' && name.value !== 'include') return;
      for (const { value } of given ?? []) if (value.kind === Kind.VARIABLE) names.add(value.name.value);
    },
  });
  return [...names];
}

/** The fields of an object of one concrete type by their response keys, in the order of the answer. */
export function fieldsOf(schema: GraphQLSchema, fragments: Fragments, variables: Variables, type: GraphQLObjectType, sets: readonly SelectionSetNode[]): Map<string, FieldNode[]> {
  const fields = new Map<string, FieldNode[]>();
  const spread = new Set<string>();
  const isAbout = (condition: string | undefined): boolean => {
    if (condition === undefined || condition === type.name) return true;
    const wanted = schema.getType(condition);
    return isAbstractType(wanted) && schema.isSubType(wanted, type);
  };
  const collect = (set: SelectionSetNode): void => {
    for (const node of set.selections) if (isIncluded(node, variables)) one(node);
  };
  const one = (node: SelectionNode): void => {
    if (node.kind === Kind.FIELD) {
      const key = node.alias?.value ?? node.name.value;
      const known = fields.get(key);
      if (known) known.push(node);
      else fields.set(key, [node]);
    } else if (node.kind === Kind.INLINE_FRAGMENT) {
      if (isAbout(node.typeCondition?.name.value)) collect(node.selectionSet);
    } else if (!spread.has(node.name.value)) {
      spread.add(node.name.value);
      const fragment = fragments[node.name.value];
      if (fragment && isAbout(fragment.typeCondition.name.value)) collect(fragment.selectionSet);
    }
  };
  for (const set of sets) collect(set);
  return fields;
}

function isIncluded(node: SelectionNode, variables: Variables): boolean {
  if (!node.directives || node.directives.length === 0) return true;
  if (getDirectiveValues(GraphQLSkipDirective, node, variables)?.['if'] === true) return false;
  return getDirectiveValues(GraphQLIncludeDirective, node, variables)?.['if'] !== false;
}
