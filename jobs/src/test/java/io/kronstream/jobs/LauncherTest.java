// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The launcher script in a repository of its own, with programs in place of Java and Maven that say what they were told. */
class LauncherTest {
    private static final Path LAUNCHER = Path.of(System.getProperty("kronstream.root"), "kronstream");
    private static final long LIMIT_SECONDS = 60;
    private static final List<String> TOOLS = List.of(
            "cat",
            "dirname",
            "env",
            "find",
            "flock",
            "grep",
            "head",
            "mkdir",
            "mv",
            "readlink",
            "rm",
            "touch",
            "uname");

    @TempDir
    private Path dir;

    private Path root;
    private Path programs;

    @BeforeEach
    void repository() throws IOException {
        root = Files.createDirectories(dir.resolve("a repository"));
        Files.copy(LAUNCHER, root.resolve("kronstream"));
        for (String source : List.of("pom.xml", "jobs/pom.xml", "jobs/src/main/java/Main.java")) {
            Path file = root.resolve(source);
            Files.createDirectories(file.getParent());
            Files.createFile(file);
        }
        programs = Files.createDirectories(dir.resolve("bin"));
        tools();
        java("17.0.15");
        program("javac", "exit 0");
        program(
                "mvn",
                """
                echo "$*" >> '%s/builds'
                mkdir -p '%s/jobs/target'
                touch '%s/jobs/target/kronstream-jobs-1.2.jar'
                """
                        .formatted(dir, root, root));
    }

    @Test
    void itBuildsOnceAndThenOnlyAfterAChange() throws Exception {
        Result first = launch(Map.of());
        assertThat(first.status()).isZero();
        assertThat(first.err()).singleElement().asString().startsWith("kronstream: building; the first time");
        assertThat(builds()).hasSize(1);
        assertThat(builds().get(0)).contains("-pl jobs -am package").contains("-Dmaven.test.skip=true");

        assertThat(launch(Map.of()).err()).isEmpty();
        assertThat(builds()).hasSize(1);

        Files.setLastModifiedTime(
                root.resolve("jobs/src/main/java/Main.java"),
                FileTime.from(Instant.now().plusSeconds(5)));
        launch(Map.of());
        assertThat(builds()).hasSize(2);
    }

    @Test
    void twoStartsAtOnceBuildOnce() throws Exception {
        Launch first = start(Map.of(), root.resolve("kronstream"));
        Launch second = start(Map.of(), root.resolve("kronstream"));

        assertThat(first.result().status()).isZero();
        assertThat(second.result().status()).isZero();
        assertThat(builds()).hasSize(1);
    }

    @Test
    void aFailedBuildIsTriedAgain() throws Exception {
        program("mvn", "echo broken >&2; echo once >> '%s/builds'; exit 1".formatted(dir));

        Result result = launch(Map.of());

        assertThat(result.status()).isEqualTo(1);
        assertThat(result.err()).contains("broken", "kronstream: The build failed; what Maven said is above.");
        assertThat(result.out()).isEmpty();
        launch(Map.of());
        assertThat(builds()).hasSize(2);
    }

    @Test
    void argumentsArePassedAsTheyAre() throws Exception {
        Result result = launch(Map.of(), "run", "a file.yaml", "--set=x=*", "");

        int main = result.out().indexOf("[io.kronstream.jobs.cli.Main]");
        assertThat(result.out().subList(main - 2, result.out().size()))
                .containsExactly(
                        "[-cp]",
                        "[" + root.toRealPath() + "/jobs/target/kronstream-jobs-1.2.jar]",
                        "[io.kronstream.jobs.cli.Main]",
                        "[run]",
                        "[a file.yaml]",
                        "[--set=x=*]",
                        "[]");
    }

    @Test
    void itWorksThroughSymbolicLinks() throws Exception {
        Path link = Files.createSymbolicLink(dir.resolve("link"), root.resolve("kronstream"));
        Path linked = Files.createSymbolicLink(programs.resolve("kronstream"), Path.of("../link"));

        Result result = start(Map.of(), linked).result();

        assertThat(Files.isSymbolicLink(link)).isTrue();
        assertThat(result.out()).contains("[" + root.toRealPath() + "/jobs/target/kronstream-jobs-1.2.jar]");
    }

    @Test
    void numericsArePinnedUnlessTheUserSaysOtherwise() throws Exception {
        assertThat(launch(Map.of()).out()).contains("OMP_NUM_THREADS=1", "OPENBLAS_NUM_THREADS=1");
        assertThat(launch(Map.of("OMP_NUM_THREADS", "2", "OPENBLAS_CORETYPE", "Zen"))
                        .out())
                .contains("OMP_NUM_THREADS=2", "OPENBLAS_CORETYPE=Zen");
    }

    @Test
    void flagsOfTheUserComeLast() throws Exception {
        List<String> out = launch(Map.of("KRONSTREAM_OPTS", "-Xmx9g -Dx=y")).out();

        assertThat(out.indexOf("[-Xmx9g]")).isGreaterThan(out.indexOf("[-Xmx2g]"));
        assertThat(out).contains("[-Dx=y]");
    }

    @Test
    void whatIsCalledNowAndThenIsNotOptimised() throws Exception {
        List<String> out = launch(Map.of("KRONSTREAM_OPTS", "-XX:Tier4InvocationThreshold=5000"))
                .out();

        assertThat(out).contains("[-XX:Tier4CompileThreshold=60000]");
        assertThat(out.indexOf("[-XX:Tier4InvocationThreshold=5000]"))
                .isGreaterThan(out.indexOf("[-XX:Tier4InvocationThreshold=50000]"));
    }

    @Test
    void theCollectorIsTheUsersIfHeNamesOne() throws Exception {
        assertThat(launch(Map.of()).out()).contains("[-XX:+UseParallelGC]");
        assertThat(launch(Map.of("KRONSTREAM_OPTS", "-Xmx9g -XX:+UseZGC")).out())
                .contains("[-XX:+UseZGC]")
                .doesNotContain("[-XX:+UseParallelGC]");
    }

    @Test
    void nativeLibrariesAreKeptPerVersion() throws Exception {
        assertThat(launch(Map.of("KRONSTREAM_CACHE", "/some where")).out())
                .contains("[-Dorg.bytedeco.javacpp.cachedir=/some where/1.2]");
    }

    @Test
    void newerJavasGetTheFlagsThatSilenceThem() throws Exception {
        assertThat(launch(Map.of()).out()).doesNotContain("[--enable-native-access=ALL-UNNAMED]");
        java("25.0.3");
        assertThat(launch(Map.of()).out()).contains("[--enable-native-access=ALL-UNNAMED]");
    }

    @Test
    void anOldJavaIsNamed() throws Exception {
        java("11.0.2");

        Result result = launch(Map.of());

        assertThat(result.status()).isEqualTo(1);
        assertThat(result.err())
                .singleElement()
                .asString()
                .startsWith("kronstream: Java 17 or newer is needed")
                .contains("11.0.2");
    }

    @Test
    void aMissingJavaIsNamed() throws Exception {
        Files.delete(programs.resolve("java"));

        Result result = launch(Map.of());

        assertThat(result.status()).isEqualTo(1);
        assertThat(result.err())
                .containsExactly(
                        "kronstream: Java is not installed: install a JDK, version 17 or newer, or set JAVA_HOME.");
    }

    @Test
    void aWrongJavaHomeIsNamed() throws Exception {
        Result result = launch(Map.of("JAVA_HOME", "/nowhere"));

        assertThat(result.status()).isEqualTo(1);
        assertThat(result.err())
                .containsExactly("kronstream: JAVA_HOME is '/nowhere', but there is no bin/java in it.");
    }

    @Test
    void aMissingMavenIsNamedOnlyIfABuildIsNeeded() throws Exception {
        launch(Map.of());
        Files.delete(programs.resolve("mvn"));
        assertThat(launch(Map.of()).status()).isZero();

        Files.delete(root.resolve("jobs/target/kronstream.built"));
        Result result = launch(Map.of());

        assertThat(result.status()).isEqualTo(1);
        assertThat(result.err())
                .containsExactly(
                        "kronstream: Maven is not installed and it must be built first: install Maven 3.6.3 or newer.");
    }

    private List<String> builds() throws IOException {
        return Files.readAllLines(dir.resolve("builds"));
    }

    private Result launch(Map<String, String> environment, String... arguments) throws Exception {
        return start(environment, root.resolve("kronstream"), arguments).result();
    }

    private Launch start(Map<String, String> environment, Path script, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of("/bin/bash", script.toString()));
        command.addAll(List.of(arguments));
        Path output = Files.createTempDirectory(dir, "output");
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(dir.toFile())
                .redirectOutput(output.resolve("out").toFile())
                .redirectError(output.resolve("err").toFile());
        builder.environment().clear();
        builder.environment().put("HOME", dir.toString());
        builder.environment().put("PATH", programs.toString());
        builder.environment().putAll(environment);
        return new Launch(builder.start(), output);
    }

    /** A java that answers {@code -version} and otherwise prints its numerics' environment and its arguments. */
    private void java(String version) throws IOException {
        program(
                "java",
                """
                if [ "$1" = -version ]; then
                    echo 'Picked up JAVA_TOOL_OPTIONS: -Dnoise' >&2
                    echo 'openjdk version "%s" 2025-01-01' >&2
                    exit
                fi
                env | grep -E '^(OMP|OPENBLAS)_'
                printf '[%%s]\\n' "$@"
                """
                        .formatted(version));
    }

    private void program(String name, String script) throws IOException {
        Path file = programs.resolve(name);
        Files.writeString(file, "#!/bin/bash\n" + script);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    /** Links to the ordinary tools, so that a Java or Maven beside them is not found. */
    private void tools() throws IOException {
        for (String tool : TOOLS) {
            for (String place : System.getenv("PATH").split(":")) {
                Path file = Path.of(place, tool);
                if (Files.isExecutable(file)) {
                    Files.createSymbolicLink(programs.resolve(tool), file);
                    break;
                }
            }
        }
    }

    private record Launch(Process process, Path output) {
        Result result() throws IOException, InterruptedException {
            assertThat(process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)).isTrue();
            return new Result(
                    process.exitValue(),
                    Files.readAllLines(output.resolve("out")),
                    Files.readAllLines(output.resolve("err")));
        }
    }

    private record Result(int status, List<String> out, List<String> err) {}
}
