/** A plain value that an attribute can be compared with. */
export type Scalar = string | number | boolean | null;

/**
 * A tree of tests over the attributes of one user. `attribute` is a dotted path such as `lifecycle_stage` or
 * `attributes.plan`. A missing attribute equals null, and every comparison of size with it is false.
 */
export type Condition =
  | { readonly kind: 'all'; readonly of: readonly Condition[] }
  | { readonly kind: 'any'; readonly of: readonly Condition[] }
  | { readonly kind: 'not'; readonly of: Condition }
  | { readonly kind: 'equals'; readonly attribute: string; readonly value: Scalar }
  | { readonly kind: 'in'; readonly attribute: string; readonly values: readonly Scalar[] }
  | { readonly kind: 'greater_than'; readonly attribute: string; readonly value: number | string }
  | { readonly kind: 'less_than'; readonly attribute: string; readonly value: number | string }
  | { readonly kind: 'contains'; readonly attribute: string; readonly value: Scalar }
  | { readonly kind: 'exists'; readonly attribute: string };
