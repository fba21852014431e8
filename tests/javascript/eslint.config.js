// The rules for the page code. ESLint takes paths from where it is started: the root of the checkout.

import js from "@eslint/js";
import globals from "globals";

const PLACES_HTML = "Only elements.js places HTML, and only what the kernel has sanitised.";

export default [
  {
    files: ["nbstream/**/static/*.js", "nbstream/**/page/*.js"],
    ...js.configs.recommended,
    languageOptions: { ecmaVersion: 2023, sourceType: "module", globals: globals.browser },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      ...js.configs.recommended.rules,
      "array-callback-return": "error",
      eqeqeq: "error",
      "max-lines": ["error", 400], // as for Python
      "max-lines-per-function": ["error", 60],
      "no-alert": "error",
      "no-await-in-loop": "error",
      "no-console": "error",
      "no-constructor-return": "error",
      "no-duplicate-imports": "error",
      "no-else-return": "error",
      "no-eval": "error",
      "no-implied-eval": "error",
      "no-lonely-if": "error",
      "no-new-func": "error",
      "no-param-reassign": "error",
      "no-restricted-properties": [
        "error",
        ...["innerHTML", "outerHTML", "insertAdjacentHTML", "setHTMLUnsafe", "createContextualFragment"].map((property) => {
          return { property, message: PLACES_HTML };
        }),
        { object: "document", property: "write", message: PLACES_HTML },
      ],
      "no-self-compare": "error",
      "no-template-curly-in-string": "error",
      "no-unmodified-loop-condition": "error",
      "no-unneeded-ternary": "error",
      "no-useless-computed-key": "error",
      "no-useless-rename": "error",
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-const": "error",
      "prefer-object-has-own": "error",
      "prefer-promise-reject-errors": "error",
      "prefer-rest-params": "error",
      "prefer-template": "error",
      "require-await": "error",
    },
  },
];
