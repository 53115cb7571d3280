// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Lets a fuzzer that is guided by coverage (Jazzer) try every decoder, in a process of its own with a small heap; {@link
 * MutationTest} is faster, and blind. It begins with the corpus in {@code src/test/resources/fuzz}.
 *
 * <ul>
 *   <li>{@code -Dkronstream.fuzz.inputs=N} gives them so many inputs together;
 *   <li>{@code -Dkronstream.fuzz.seed=N} begins elsewhere;
 *   <li>{@code -Dkronstream.fuzz.corpus=DIR} keeps what was found to reach new code, and goes on from it.
 * </ul>
 */
class FuzzITCase {
    private static final long INPUTS = Long.getLong("kronstream.fuzz.inputs", 100_000);
    private static final long SEED = Long.getLong("kronstream.fuzz.seed", 20261121);
    private static final String KEPT = System.getProperty("kronstream.fuzz.corpus");
    private static final Pattern RUNS = Pattern.compile("stat::number_of_executed_units: *(\\d+)");

    @Test
    void whateverTheBytesAreTheyAreReadOrRefused(@TempDir Path dir) throws Exception {
        Path found = KEPT == null ? dir.resolve("corpus") : Path.of(KEPT);
        Files.createDirectories(found);
        Path seeds = Files.createDirectory(dir.resolve("seeds"));
        for (int number = 0; number < Targets.all().size(); number++) {
            int seed = 0;
            for (byte[] bytes : Targets.all().get(number).seeds()) {
                byte[] input = ByteBuffer.allocate(1 + bytes.length)
                        .put((byte) number)
                        .put(bytes)
                        .array();
                Files.write(seeds.resolve(number + "-" + seed++), input);
            }
        }
        Path log = dir.resolve("log");
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx512m",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("surefire.real.class.path", System.getProperty("java.class.path")),
                "com.code_intelligence.jazzer.Jazzer",
                "--target_class=" + Targets.class.getName(),
                "--instrumentation_includes=io.kronstream.**",
                "--custom_hook_includes=io.kronstream.**",
                "--reproducer_path=" + dir,
                "-artifact_prefix=" + dir + File.separator,
                "-runs=" + INPUTS,
                "-seed=" + SEED,
                "-max_len=4096",
                "-timeout=60",
                "-print_final_stats=1",
                found.toString(),
                seeds.toString()));
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        try {
            boolean ended = process.waitFor(10 + INPUTS / 50_000, TimeUnit.MINUTES);
            String said = Files.readString(log);
            assertThat(ended).as(said).isTrue();
            assertThat(process.exitValue()).as(said).isZero();
            Matcher runs = RUNS.matcher(said);
            assertThat(runs.find()).as(said).isTrue();
            assertThat(Long.parseLong(runs.group(1))).as(said).isGreaterThanOrEqualTo(INPUTS);
            said.lines()
                    .filter(line -> line.startsWith("inputs of ") || line.startsWith("stat::"))
                    .forEach(System.out::println);
        } finally {
            process.destroyForcibly();
        }
    }
}
