/** What a process has used, for the status. CPU times are microseconds since its start. */
export interface Usage {
  readonly userUs: number;
  readonly systemUs: number;
  readonly rssBytes: number;
}
