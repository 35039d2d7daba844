/** How many schedules the properties of a suite try, where `property.runs` of an adapter says nothing. */
export const suiteDefaults: { readonly runs: number; readonly transportRuns: number } = {
  runs: 200,
  transportRuns: 50,
};
