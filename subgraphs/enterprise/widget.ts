/** Where people find a business and its default widget. `base` has no slash at its end. */
export function linksOf(base: string, slug: string, widgetId: number) {
  return { enterpriseOverview: `${base}/org/${slug}`, widgetManagement: `${base}/org/${slug}/widgets/${widgetId}`, widgetEmbed: embedUrlOf(base, widgetId) };
}

/** The page that a business puts into its own site. */
export function embedUrlOf(base: string, widgetId: number): string {
  return `${base}/studio-widget?widget_id=${widgetId}`;
}

/** Null: not a number that a widget may have. */
export function parseWidgetId(text: string): number | null {
  return /^[1-9]\d{0,8}$/.test(text) ? Number(text) : null;
}
