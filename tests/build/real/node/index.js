// SPDX-License-Identifier: Apache-2.0
const ms = require("ms");

console.log(ms("2 days"));
