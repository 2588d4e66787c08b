/** The form of commit messages. The body is prose, broken where the line is full. */
export default {
  extends: ["@commitlint/config-conventional"],
  // What git writes for a merge is left alone.
  ignores: [(message) => message.startsWith("Merge ")],
  rules: {
    "subject-case": [0],
    "header-max-length": [2, "always", 120],
    "body-max-line-length": [2, "always", 130],
    "footer-max-line-length": [2, "always", 130],
  },
};
