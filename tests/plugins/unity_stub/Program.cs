// What the tests run: reads motions and messages, and plays one on a made-up figure; prints numbers, one row a line.
using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Threading;
using Maquette;
using UnityEngine;

public static class Program
{
    public static int Main(string[] arguments)
    {
        // A language whose decimal sign is a comma: the reader must not mind.
        Thread.CurrentThread.CurrentCulture = new CultureInfo("de-DE");
        try
        {
            if (arguments[0] == "live") { LiveProgram.Run(arguments); return 0; }
            if (arguments[0] == "garbage") { LiveProgram.CountGarbage(File.ReadAllBytes(arguments[1])); return 0; }
            string text = File.ReadAllText(arguments[1]);
            if (arguments[0] == "motion") ShowMotion(MaquetteMotion.Parse(text));
            if (arguments[0] == "message") ShowMessage(MaquetteMessage.Parse(text));
            if (arguments[0] == "figure") ShowFigure(MaquetteMotion.Parse(text), File.ReadAllLines(arguments[2]));
        }
        catch (MaquetteFormatException error) { Console.WriteLine("refused: " + error.Message); return 2; }
        return 0;
    }

    static void Row(params double[] numbers)
    {
        Console.WriteLine(string.Join(" ", Array.ConvertAll(numbers, n => n.ToString("R", CultureInfo.InvariantCulture))));
    }

    static void ShowMotion(MaquetteMotion motion)
    {
        Row(motion.FrameCount, motion.Joints.Length, motion.FramesPerSecond, motion.DurationS, motion.FrameAt(0.5));
        for (int i = 0; i < motion.FrameCount; i++)
        {
            Turn[] world = motion.Rotations == null ? null : motion.WorldRotations(i);
            for (int j = 0; j < motion.Joints.Length; j++)
            {
                Place p = motion.Positions[i][j];
                Turn q = world == null ? new Turn(0, 0, 0, 1) : world[j];
                Row(p.X, p.Y, p.Z, q.X, q.Y, q.Z, q.W);
            }
        }
    }

    static void ShowMessage(MaquetteMessage message)
    {
        Row(message.Frame, message.TimeS, message.Person, message.Root.X, message.Root.Y, message.Root.Z);
        foreach (var joint in message.Joints)
            Console.WriteLine(joint.Key + " " + joint.Value.X.ToString(CultureInfo.InvariantCulture) + " "
                + (message.Confidence.ContainsKey(joint.Key) ? message.Confidence[joint.Key] : -1));
    }

    static void ShowFigure(MaquetteMotion motion, string[] lines)
    {
        Animator animator = MadeFigure.Stand(lines);
        Transform top = animator.transform;
        var player = top.gameObject.AddComponent<MaquettePlayer>();
        typeof(MaquettePlayer).GetMethod("Start", (System.Reflection.BindingFlags)36).Invoke(player, null);
        player.Play(motion);
        for (int i = 0; i < motion.FrameCount; i++)
        {
            player.Show(i);
            foreach (Vector3 p in MadeFigure.Places(animator, lines)) Row(p.x, p.y, p.z);
        }
    }
}
