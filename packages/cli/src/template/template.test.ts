import assert from "node:assert/strict";
import test from "node:test";
import type { Json } from "@drover/model";
import { parseExact } from "../exact-json.ts";
import { renderTemplate } from "./render.ts";

const JOB = parseExact(
  '{"ID":"web","Version":3,"Stop":false,"Meta":{"b":"2","a":"1"},"Time":1795396246571093913,' +
    '"Groups":[{"Name":"api","Count":3},{"Name":"db","Count":0}],"None":null}',
);

function rendered(text: string, value: Json = JOB): string {
  return renderTemplate(text, value, "*api.Job");
}

function refusal(text: string): string {
  try {
    return `rendered: ${rendered(text)}`;
  } catch (error) {
    assert.equal((error as Error).name, "TemplateError");
    return (error as Error).message;
  }
}

test("fields, variables and nested fields print their values", () => {
  assert.equal(rendered("{{.ID}} v{{.Version}} {{.Time}}"), "web v3 1795396246571093913");
  assert.equal(rendered("{{.Meta.a}}{{$.ID}}{{$x := .Version}}-{{$x}}"), "1web-3");
  assert.equal(rendered("{{.Meta}} {{.None}} {{.Stop}}"), "map[a:1 b:2] <nil> false");
});

test("a range goes over lists in order and over maps by key", () => {
  assert.equal(rendered("{{range .Groups}}{{.Name}},{{end}}"), "api,db,");
  assert.equal(rendered("{{range $i, $g := .Groups}}{{$i}}={{$g.Name}} {{end}}"), "0=api 1=db ");
  assert.equal(rendered("{{range $k, $v := .Meta}}{{$k}}{{$v}}{{end}}"), "a1b2");
  assert.equal(rendered("{{range .None}}x{{else}}none{{end}}"), "none");
});

test("conditions take empty values as false", () => {
  const text = "{{range .Groups}}{{if .Count}}{{.Name}}{{else}}no{{end}} {{end}}";
  assert.equal(rendered(text), "api no ");
  assert.equal(rendered("{{if .Stop}}a{{else if .Version}}b{{else}}c{{end}}"), "b");
  assert.equal(rendered("{{with .Meta}}{{.a}}{{end}}{{with .None}}x{{end}}"), "1");
});

test("functions take the piped value last", () => {
  assert.equal(rendered('{{.ID | printf "%-5s|"}}'), "web  |");
  assert.equal(rendered('{{printf "%q %03d" .ID .Version}}'), '"web" 003');
  assert.equal(
    rendered("{{len .Groups}} {{index .Meta `b`}} {{(index .Groups 1).Name}}"),
    "2 2 db",
  );
  assert.equal(rendered('{{if and (eq .ID "web" ) (gt .Version 2)}}y{{end}}'), "y");
  assert.equal(rendered("{{and .None true}} {{or .None .ID}} {{not .Stop}}"), "<nil> web true");
});

test("dashes take the blanks beside an action and comments print nothing", () => {
  assert.equal(rendered("a  {{- .ID -}}  b{{/* no */}}"), "awebb");
  assert.equal(rendered('{{"}}"}}'), "}}");
});

test("what cannot be rendered says where", () => {
  assert.equal(refusal("{{.Nope"), "template: :1: unclosed action");
  assert.equal(
    refusal("x\n {{.Nope}}"),
    'template: :2:3: executing "" at <.Nope>: can\'t evaluate field Nope in type *api.Job',
  );
  assert.match(refusal("{{if .ID}}x"), /unexpected EOF/);
  assert.match(refusal("{{$y}}"), /undefined variable/);
  assert.match(refusal("{{end}}"), /unexpected \{\{end\}\}/);
});
