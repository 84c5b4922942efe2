# A formula for Homebrew. Who publishes it fills in where the archive of a release is, and its sum.
class Kymo < Formula
  desc "Samples the machine and streams vitals and events to local user interfaces"
  homepage "https://example.org/kymo"
  url "https://example.org/kymo/kymo-0.1.0.tar.gz"
  sha256 "0000000000000000000000000000000000000000000000000000000000000000"
  license any_of: ["MIT", "Apache-2.0"]

  depends_on "rust" => :build

  def install
    system "cargo", "install", *std_cargo_args(path: "runtime")
    system "cargo", "install", *std_cargo_args(path: "clients/cli")
    man1.install "docs/man/kymo.1"
    man5.install "docs/man/kymo.toml.5"
    man8.install "docs/man/kymod.8"
    bash_completion.install "clients/cli/completions/kymo.bash" => "kymo"
    zsh_completion.install "clients/cli/completions/_kymo"
    fish_completion.install "clients/cli/completions/kymo.fish"
    (etc/"kymo").install "docs/kymo.toml"
  end

  service do
    run [opt_bin/"kymod", "--config", etc/"kymo/kymo.toml"]
    keep_alive crashed: true
    process_type :interactive
    error_log_path var/"log/kymod.log"
  end

  test do
    system bin/"kymod", "--check-config", "--config", etc/"kymo/kymo.toml"
    assert_match version.to_s, shell_output("#{bin}/kymo --version")
    assert_match "absent", shell_output("#{bin}/kymo doctor --wait 0 --dir #{testpath}/none")
  end
end
