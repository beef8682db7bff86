// JSON without other packages: objects are Dictionary<string, object>, arrays List<object>, numbers double.
using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;

namespace Maquette
{
    /// <summary>Text that is no JSON, or JSON that is no motion; the message says what was seen.</summary>
    public sealed class MaquetteFormatException : Exception
    {
        public MaquetteFormatException(string message) : base(message) { }
    }

    /// <summary>A small JSON reader; numbers are read alike in every language of the machine.</summary>
    public static class MaquetteJson
    {
        const int DeepestNesting = 64;

        public static object Parse(string text)
        {
            if (text == null) throw new MaquetteFormatException("no text");
            int at = 0;
            object value = Value(text, ref at, 0);
            Skip(text, ref at);
            if (at < text.Length) throw Wrong(text, at, "the end");
            return value;
        }

        static object Value(string text, ref int at, int depth)
        {
            if (depth > DeepestNesting) throw new MaquetteFormatException("JSON nested too deep");
            Skip(text, ref at);
            if (at >= text.Length) throw Wrong(text, at, "a value");
            switch (text[at])
            {
                case '{': return Object(text, ref at, depth);
                case '[': return Array(text, ref at, depth);
                case '"': return String(text, ref at);
                case 't': return Word(text, ref at, "true", true);
                case 'f': return Word(text, ref at, "false", false);
                case 'n': return Word(text, ref at, "null", null);
                default: return Number(text, ref at);
            }
        }

        static Dictionary<string, object> Object(string text, ref int at, int depth)
        {
            var members = new Dictionary<string, object>();
            at++;
            Skip(text, ref at);
            if (at < text.Length && text[at] == '}') { at++; return members; }
            while (true)
            {
                Skip(text, ref at);
                if (at >= text.Length || text[at] != '"') throw Wrong(text, at, "a name");
                string name = String(text, ref at);
                Expect(text, ref at, ':');
                members[name] = Value(text, ref at, depth + 1);
                if (!Another(text, ref at, '}')) return members;
            }
        }

        static List<object> Array(string text, ref int at, int depth)
        {
            var items = new List<object>();
            at++;
            Skip(text, ref at);
            if (at < text.Length && text[at] == ']') { at++; return items; }
            while (true)
            {
                items.Add(Value(text, ref at, depth + 1));
                if (!Another(text, ref at, ']')) return items;
            }
        }

        static bool Another(string text, ref int at, char end)
        {
            Skip(text, ref at);
            if (at < text.Length && text[at] == ',') { at++; return true; }
            Expect(text, ref at, end);
            return false;
        }

        static string String(string text, ref int at)
        {
            var letters = new StringBuilder();
            for (at++; at < text.Length; at++)
            {
                char c = text[at];
                if (c == '"') { at++; return letters.ToString(); }
                if (c != '\\') { letters.Append(c); continue; }
                if (++at >= text.Length) break;
                int which = "\"\\/bfnrt".IndexOf(text[at]);
                int code;
                if (which >= 0) letters.Append("\"\\/\b\f\n\r\t"[which]);
                else if (text[at] == 'u' && at + 4 < text.Length
                         && int.TryParse(text.Substring(at + 1, 4), NumberStyles.HexNumber,
                                         CultureInfo.InvariantCulture, out code))
                {
                    letters.Append((char)code);
                    at += 4;
                }
                else throw Wrong(text, at, "an escape");
            }
            throw Wrong(text, at, "the end of a string");
        }

        static object Number(string text, ref int at)
        {
            int start = at;
            while (at < text.Length && "+-.eE0123456789".IndexOf(text[at]) >= 0) at++;
            double number;
            if (!double.TryParse(text.Substring(start, at - start), NumberStyles.Float, CultureInfo.InvariantCulture,
                                 out number)) throw Wrong(text, start, "a value");
            return number;
        }

        static object Word(string text, ref int at, string word, object value)
        {
            if (string.CompareOrdinal(text, at, word, 0, word.Length) != 0) throw Wrong(text, at, "a value");
            at += word.Length;
            return value;
        }

        static void Expect(string text, ref int at, char wanted)
        {
            Skip(text, ref at);
            if (at >= text.Length || text[at] != wanted) throw Wrong(text, at, "'" + wanted + "'");
            at++;
        }

        static void Skip(string text, ref int at)
        {
            while (at < text.Length && (text[at] == ' ' || text[at] == '\n' || text[at] == '\r' || text[at] == '\t')) at++;
        }

        static MaquetteFormatException Wrong(string text, int at, string expected)
        {
            string seen = at < text.Length ? "'" + text[at] + "'" : "the end of the text";
            return new MaquetteFormatException("expected " + expected + " at character " + at + ", saw " + seen);
        }
    }
}
