declare module 'autocannon' {
  type Load = { url: string; connections: number; duration: number; overallRate?: number; method: 'GET' | 'POST'; body?: string; headers: Record<string, string> };
  type Result = { requests: { total: number }; latency: { p50: number; p99: number }; non2xx: number; errors: number; timeouts: number };
  export default function autocannon(load: Load): Promise<Result> & { stop(): void };
}
