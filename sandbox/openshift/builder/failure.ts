/**
 * Why a build ends as Failed. `reason` is OpenShift's word in `status.reason`, `message` its fixed sentence in
 * `status.message`; the error's own message is what the log's last line says.
 */
export class BuildFailure extends Error {
  override name = "BuildFailure";
  readonly reason: keyof typeof REASONS;

  constructor(reason: keyof typeof REASONS, logLine: string) {
    super(logLine);
    this.reason = reason;
  }

  get statusMessage(): string {
    return REASONS[this.reason];
  }
}

/** openshift-apiserver's reasons with their messages (`pkg/build/apis/build`, StatusMessage…). */
const REASONS = {
  DockerBuildFailed: "Dockerfile build strategy has failed.",
  FetchSourceFailed: "Failed to fetch the input source.",
  PullBuilderImageFailed: "Failed pulling builder image.",
  PushImageToRegistryFailed: "Failed to push the image to the registry.",
} as const;
