// An OpenID provider for the tests: oidc-provider with one client. `node provider.mjs MODULES` prints one line of JSON
// with its address, and ends when its standard input does.
//
// `POST /test/settings` says who is logged in there (`account`: claims with `sub`) and what goes wrong: `forge` (claims
// put into the ID token), `key` (`foreign`: signed with a key nobody published; `rotated`: with one published just now),
// `issuer` (what the discovery document claims). `amr` is how they logged in, `deny` that they said no.
import { createServer } from "node:http";
import { webcrypto } from "node:crypto";
import { pathToFileURL } from "node:url";

globalThis.crypto ??= webcrypto; // before Node 20
const modules = process.argv[2];
const load = (path) => import(pathToFileURL(`${modules}/${path}`).href);
const { Provider } = await load("oidc-provider/lib/index.js");
const { SignJWT, decodeJwt, exportJWK, generateKeyPair } = await load("jose/dist/webapi/index.js");

async function newKey(kid) {
  const { privateKey } = await generateKeyPair("RS256", { extractable: true });
  return { ...(await exportJWK(privateKey)), kid, alg: "RS256", use: "sig" };
}
const published = ({ kty, n, e, kid, alg, use }) => ({ kty, n, e, kid, alg, use });

const keys = { first: await newKey("first") };
let settings = { account: { sub: "nobody" } };

const server = createServer();
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: "board",
      client_secret: "a secret of the tests",
      redirect_uris: ["http://localhost/login/oidc/callback"],
      post_logout_redirect_uris: ["http://localhost/login"],
    },
  ],
  jwks: { keys: [keys.first] },
  cookies: { keys: ["a key of the tests"] },
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"], groups: ["groups"] },
  conformIdTokenClaims: true,
  features: { devInteractions: { enabled: false } },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ ...settings.account, sub }) }),
});

// whoever comes is logged in as the account of the settings, and consents to everything; or refuses, as `deny`
async function interact(ctx) {
  const details = await provider.interactionDetails(ctx.req, ctx.res);
  if (settings.deny) {
    return provider.interactionFinished(ctx.req, ctx.res, { error: "access_denied" });
  }
  const { params } = details;
  const grant = new provider.Grant({ accountId: settings.account.sub, clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  const result = {
    login: { accountId: settings.account.sub },
    consent: { grantId: await grant.save() },
  };
  await provider.interactionFinished(ctx.req, ctx.res, result, { mergeWithLastSubmission: false });
}

async function body(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString() || "{}");
}

provider.use(async (ctx, next) => {
  if (ctx.path === "/test/settings") {
    settings = await body(ctx.req);
    if (settings.key) keys[settings.key] ??= await newKey(settings.key === "foreign" ? "first" : settings.key);
    ctx.status = 204;
    return;
  }
  if (ctx.path.startsWith("/interaction/")) {
    await interact(ctx);
    ctx.respond = false;
    return;
  }
  await next();
  if (ctx.path === "/.well-known/openid-configuration" && settings.issuer) {
    ctx.body = { ...ctx.body, issuer: settings.issuer };
  }
  if (ctx.path === "/jwks" && settings.key === "rotated") {
    ctx.body = { keys: [published(keys.rotated)] };
  }
  if (ctx.path === "/token" && ctx.body?.id_token && (settings.forge || settings.key || settings.amr)) {
    const key = keys[settings.key ?? "first"];
    const claims = { ...decodeJwt(ctx.body.id_token), amr: settings.amr, ...settings.forge };
    const token = new SignJWT(claims).setProtectedHeader({ alg: "RS256", kid: key.kid });
    const secret = await crypto.subtle.importKey(
      "jwk", key, { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }, false, ["sign"]);
    ctx.body = { ...ctx.body, id_token: await token.sign(secret) };
  }
});

server.on("request", provider.callback());
process.stdin.on("end", () => process.exit(0)).resume();
process.stdout.on("error", () => {}); // nobody reads after the first line
console.log(JSON.stringify({ issuer }));
