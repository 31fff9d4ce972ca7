/** The demo's service where there is no Docker: `geo-api.ts VERSION`, PORT and BIND as given. */
import { createServer } from "node:http";

const KNOWN = ["0.1", "0.2"];
const [version = ""] = process.argv.slice(2);
if (!KNOWN.includes(version)) {
  console.error(`geo-api ${version}: there is no such version`);
  process.exit(1);
}
const server = createServer((request, response) => {
  response.end(request.url === "/health" ? "ok\n" : `geo-api-server ${version}\n`);
});
server.listen(Number(process.env.PORT), process.env.BIND);
process.on("SIGTERM", () => {
  server.close();
  server.closeAllConnections();
});
