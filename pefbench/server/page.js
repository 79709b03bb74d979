// Shared by all pages that shell.py serves: access to elements, and calls to the server. A page has an <input id="key">.
"use strict";
const by = id => document.getElementById(id);

const made = (name, text = "", kind = "") => {
  const element = document.createElement(name);
  element.textContent = text;
  element.className = kind;
  return element;
};

// With a no-break space, so that a line never begins with the sign.
const percent = share => share === null ? "–" : `${(100 * share).toFixed(1)}\u00a0%`;

// GET without a body, POST with one. If the server refuses, throws an Error with the server's message.
async function call(path, body) {
  const headers = {"Content-Type": "application/json"};
  if (by("key").value) headers.Authorization = `Bearer ${by("key").value}`;
  const response = await fetch(path, body ? {method: "POST", headers, body: JSON.stringify(body)} : {headers});
  const value = await response.json();
  if (!response.ok) throw new Error(value.error.message);
  return value;
}
