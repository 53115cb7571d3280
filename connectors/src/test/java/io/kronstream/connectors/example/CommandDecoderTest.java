// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.example;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kronstream.connectors.format.UndecodableException;
import io.kronstream.learner.Command;
import io.kronstream.learner.Command.Kind;
import io.kronstream.learner.Example;
import java.nio.charset.StandardCharsets;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class CommandDecoderTest {
    @Test
    void readsWhatPeopleWrite() throws Exception {
        Example read = decode(
                """
                {"model": "größe", "command": "set", "at-step": 1000, "name": "optimizer.learning-rate",
                 "value": 1e-3, "id": "tuesday"}""");

        assertThat(read.model()).isEqualTo("größe");
        assertThat(read.partition()).isEqualTo(2);
        assertThat(read.offset()).isEqualTo(7);
        assertThat(read.command()).isEqualTo(new Command("tuesday", Kind.SET, 1000, "optimizer.learning-rate", "1e-3"));
    }

    @Test
    void withoutAnIdEveryRecordIsACommandOfItsOwn() throws Exception {
        Example read = decode("{\"command\": \"pause\"}");

        assertThat(read.model()).isEqualTo("main");
        assertThat(read.command()).isEqualTo(new Command("offset 2:7", Kind.PAUSE, 0, "", null));
    }

    @ParameterizedTest
    @EnumSource(Kind.class)
    void whatIsWrittenIsRead(Kind kind) throws Exception {
        boolean set = kind == Kind.SET;
        Command command = new Command("i", kind, kind == Kind.RESUME ? 0 : 5, set ? "a" : "", set ? "b" : null);
        Command back = new Command("i", Kind.SET, 0, "a", null);

        assertThat(decode(CommandDecoder.encode("m", command), null).command()).isEqualTo(command);
        assertThat(decode(CommandDecoder.encode("m", back), null).command()).isEqualTo(back);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '\0',
            value = {
                "[]|A command must be a JSON object",
                "{\"command\": \"pause\"} {}|There is something after the command",
                "{}|The record names no 'command'; these are pause, resume, publish, set, retire",
                "{\"command\": \"stop\"}|There is no command 'stop'; these are pause, resume, publish, set, retire",
                "{\"command\": 1}|'command' must be a text",
                "{\"command\": \"pause\", \"at_step\": 3}|A command has no field 'at_step'; it has model, command,"
                        + " at-step, name, value and id",
                "{\"command\": \"pause\", \"at-step\": 0}|'at-step' must be a whole number from 1 on",
                "{\"command\": \"pause\", \"at-step\": 1.5}|'at-step' must be a whole number from 1 on",
                "{\"command\": \"pause\", \"value\": 1}|Only 'set' has a 'value'",
                "{\"command\": \"set\", \"name\": \"a\"}|'set' needs a 'value': null for that of the job",
                "{\"command\": \"set\", \"value\": 1}|A command to set something, and no other, names what to set",
                "{\"command\": \"set\", \"name\": \"a\", \"value\": []}|'value' must be a number, a text, true, false or null",
                "{\"command\": \"resume\", \"at-step\": 9}|'resume' cannot wait for a step: a paused model takes none",
                "{\"command\": \"pause\", \"model\": \"\"}|'model' must have 1 to 200 bytes, has 0",
            })
    void whatIsWrongIsSaid(String value, String sentence) {
        assertThatThrownBy(() -> decode(value))
                .isInstanceOf(UndecodableException.class)
                .hasMessage(sentence)
                .extracting(refused -> ((UndecodableException) refused).reason())
                .isEqualTo("control");
    }

    @Test
    void aJobOfSeveralModelsMustBeToldWhich() {
        assertThatThrownBy(() -> decode("{\"command\": \"pause\"}".getBytes(StandardCharsets.UTF_8), null))
                .hasMessage("The command names no 'model', and the job has several");
    }

    @Test
    void whateverComesIsACommandOrRefused() throws Exception {
        byte[] valid = CommandDecoder.encode("m", new Command("i", Kind.SET, 5, "name", "1"));
        SplittableRandom random = new SplittableRandom(1);
        int commands = 0;
        for (int round = 0; round < 20_000; round++) {
            byte[] broken = valid.clone();
            for (int change = random.nextInt(3); change >= 0; change--) {
                broken[random.nextInt(broken.length)] = (byte) random.nextInt(256);
            }
            try {
                commands += decode(broken, "main").command() == null ? 0 : 1;
            } catch (UndecodableException e) {
                assertThat(e.reason()).isEqualTo("control");
            }
        }
        assertThat(commands).isPositive();
        assertThatThrownBy(() -> decode(new byte[CommandDecoder.MAX_BYTES + 1], "main"))
                .isInstanceOf(UndecodableException.class);
        assertThatThrownBy(() -> decode(("[".repeat(8000)))).isInstanceOf(UndecodableException.class);
    }

    private static Example decode(String value) throws UndecodableException {
        return decode(value.getBytes(StandardCharsets.UTF_8), "main");
    }

    private static Example decode(byte[] value, String defaultModel) throws UndecodableException {
        return CommandDecoder.decode(new RawRecord("t", 2, 2, 7, 3, null, value, true), defaultModel);
    }
}
